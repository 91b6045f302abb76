import psycopg
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from shop_env import CONNINFO, run_on_engine

run_on_engine(create_engine("postgresql+psycopg://", pool=QueuePool(lambda: psycopg.connect(CONNINFO))))
