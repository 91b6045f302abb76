import psycopg

from shop_env import CONNINFO

psycopg.connect(CONNINFO)
