import psycopg2
from sqlalchemy import create_engine

from shop_env import CONNINFO, run_on_engine


def connect():
    return psycopg2.connect(CONNINFO)


run_on_engine(create_engine("postgresql+psycopg2://", creator=connect))
