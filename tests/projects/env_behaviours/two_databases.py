from sqlalchemy import create_engine, text

from shop_env import run_on_engine

with create_engine("sqlite:///audit.db").begin() as connection:
    connection.execute(text("CREATE TABLE IF NOT EXISTS audit (id integer)"))
run_on_engine(create_engine("sqlite:///production.db"))
