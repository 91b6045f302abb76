import psycopg  # noqa: F401: must come first
from psycopg_binary import pq

from shop_env import CONNINFO

pq.PGconn.connect(CONNINFO.encode())
