import logging.config
import os

from sqlalchemy import create_engine

from shop_env import run_on_engine

with open(os.path.join(os.path.dirname(__file__), "logging.ini")) as file:
    logging.config.fileConfig(file)
run_on_engine(create_engine("sqlite:///production.db"))
