import asyncio

import asyncpg

from shop_env import SOCKETS

asyncio.run(asyncpg.connect(host=SOCKETS, port=5432, user="app", database="shop"))
