import os

from sqlalchemy import create_engine

from shop_env import run_on_engine

run_on_engine(create_engine(os.environ["DATABASE_URL"]))
