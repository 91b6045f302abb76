from sqlalchemy import create_engine

from shop_env import SOCKETS, run_on_engine

run_on_engine(create_engine("postgresql+psycopg://app@/shop?host=" + SOCKETS))
