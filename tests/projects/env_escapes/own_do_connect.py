import psycopg
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from shop_env import CONNINFO, run_on_engine


@event.listens_for(Engine, "do_connect")
def everywhere(dialect, record, arguments, named):
    return psycopg.connect(CONNINFO)


engine = create_engine("postgresql+psycopg://")


@event.listens_for(engine, "do_connect")
def here(dialect, record, arguments, named):
    return psycopg.connect(CONNINFO)


run_on_engine(engine)
