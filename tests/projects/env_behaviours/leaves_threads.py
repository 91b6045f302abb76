import threading

from sqlalchemy import create_engine

from shop_env import run_on_engine

threading.Thread(target=threading.Event().wait, name="a thread that never ends").start()
run_on_engine(create_engine("sqlite:///production.db"))
