import psycopg
from sqlalchemy import create_engine

from shop_env import CONNINFO, run_on_engine

run_on_engine(create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(CONNINFO)))
