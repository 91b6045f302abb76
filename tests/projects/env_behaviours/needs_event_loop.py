import anyio.from_thread
from sqlalchemy.ext.asyncio import create_async_engine

from shop_env import run_on


async def migrate():
    engine = create_async_engine("sqlite+aiosqlite:///production.db")
    async with engine.connect() as connection:
        await connection.run_sync(run_on)
    await engine.dispose()


anyio.from_thread.run(migrate)
