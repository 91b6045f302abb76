"""What the env.py of the tests have in common."""

import os

from alembic import context

from shop_models import metadata

# Where a server listens that plays production: nothing may reach it.
PORT = os.environ.get("PRODUCTION_PORT", "5432")
SOCKETS = os.environ.get("PRODUCTION_SOCKETS", "/nowhere")
CONNINFO = "host=127.0.0.1 port=%s user=app password=secret dbname=shop connect_timeout=2" % PORT
SOCKET_CONNINFO = "host=%s port=5432 user=app dbname=shop connect_timeout=2" % SOCKETS


def run_on(connection):
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


def run_on_engine(engine):
    with engine.connect() as connection:
        run_on(connection)


def run_on_async_engine(engine):
    import asyncio

    async def run():
        async with engine.connect() as connection:
            await connection.run_sync(run_on)
        await engine.dispose()

    asyncio.run(run())
