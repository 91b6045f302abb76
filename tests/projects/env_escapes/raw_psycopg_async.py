import asyncio

import psycopg

from shop_env import CONNINFO

asyncio.run(psycopg.AsyncConnection.connect(CONNINFO))
