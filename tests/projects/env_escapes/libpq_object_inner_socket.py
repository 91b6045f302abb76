import psycopg  # noqa: F401: must come first
from psycopg_binary import pq

from shop_env import SOCKET_CONNINFO

pq.PGconn.connect(SOCKET_CONNINFO.encode())
