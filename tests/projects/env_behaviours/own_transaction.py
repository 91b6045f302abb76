from sqlalchemy import create_engine

from shop_env import run_on

with create_engine("postgresql+psycopg://app@production.invalid/shop").begin() as connection:
    run_on(connection)
