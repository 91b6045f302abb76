import psycopg2

from shop_env import CONNINFO

psycopg2.connect(CONNINFO)
