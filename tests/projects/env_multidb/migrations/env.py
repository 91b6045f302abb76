"""As the template `multidb` makes it."""

import re

from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
names = re.split(r",\s*", config.get_main_option("databases"))

if context.is_offline_mode():
    for name in names:
        with open("%s.sql" % name, "w") as buffer:
            context.configure(url=config.get_section_option(name, "sqlalchemy.url"), output_buffer=buffer, literal_binds=True)
            with context.begin_transaction():
                context.run_migrations(engine_name=name)
else:
    engines = {
        name: engine_from_config(config.get_section(name), prefix="sqlalchemy.", poolclass=pool.NullPool) for name in names
    }
    connections = {name: engine.connect() for name, engine in engines.items()}
    transactions = {name: connection.begin() for name, connection in connections.items()}
    try:
        for name, connection in connections.items():
            context.configure(connection=connection, upgrade_token="%s_upgrades" % name, downgrade_token="%s_downgrades" % name)
            context.run_migrations(engine_name=name)
        for transaction in transactions.values():
            transaction.commit()
    except BaseException:
        for transaction in transactions.values():
            transaction.rollback()
        raise
    finally:
        for connection in connections.values():
            connection.close()
