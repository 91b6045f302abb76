from psycopg import Connection

from shop_env import SOCKET_CONNINFO

Connection.connect(SOCKET_CONNINFO)
