"""Runs the migrations on `sqlalchemy.url`."""
from alembic import context
from sqlalchemy import create_engine, pool

URL = "postgresql+psycopg2://localhost/books"
target_metadata = None

if context.is_offline_mode():
    context.configure(url=URL, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(URL, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        with context.begin_transaction():
            context.run_migrations()
