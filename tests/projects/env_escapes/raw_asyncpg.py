import asyncio

import asyncpg

from shop_env import PORT

asyncio.run(asyncpg.connect(host="127.0.0.1", port=int(PORT), user="app", database="shop"))
