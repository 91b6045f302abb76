from psycopg2 import connect

from shop_env import SOCKETS

connect(host=SOCKETS, port=5432, user="app", dbname="shop")
