from alembic import context
from sqlalchemy import create_engine

from shop_models import metadata


def directives(context, revision, directives):
    if directives[0].upgrade_ops.is_empty():
        directives[:] = []


with create_engine("sqlite:///production.db").connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, process_revision_directives=directives)
    with context.begin_transaction():
        context.run_migrations()
