import asyncio

from sqlalchemy.ext.asyncio import create_async_engine

from shop_env import run_on


async def main():
    engine = create_async_engine("postgresql+asyncpg://app@production.invalid/shop")
    async with engine.begin() as connection:
        await connection.run_sync(run_on)
    await engine.dispose()


asyncio.run(main())
