from sqlalchemy import create_engine

from shop_env import PORT, run_on_engine

run_on_engine(create_engine("postgresql+psycopg2://app:secret@127.0.0.1:%s/shop" % PORT))
