import psycopg2._psycopg

from shop_env import CONNINFO

psycopg2._psycopg._connect(CONNINFO)
