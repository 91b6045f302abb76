from sqlalchemy.ext.asyncio import create_async_engine

from shop_env import run_on_async_engine

run_on_async_engine(create_async_engine("sqlite+aiosqlite:///production.db"))
