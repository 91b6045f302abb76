from psycopg import pq

from shop_env import CONNINFO

pq.PGconn.connect(CONNINFO.encode())
