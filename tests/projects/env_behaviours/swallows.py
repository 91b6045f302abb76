from sqlalchemy import create_engine

from shop_env import run_on_engine

try:
    run_on_engine(create_engine("sqlite:///production.db"))
except Exception as error:
    print("never mind:", error)
