from sqlalchemy.ext.asyncio import create_async_engine

from shop_env import PORT, run_on_async_engine

run_on_async_engine(create_async_engine("postgresql+asyncpg://app:secret@127.0.0.1:%s/shop" % PORT))
