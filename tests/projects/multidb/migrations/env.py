"""Runs the migrations of each database, in turn."""
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
names = [name.strip() for name in config.get_main_option("databases").split(",")]

for name in names:
    if context.is_offline_mode():
        context.configure(url=config.get_section_option(name, "sqlalchemy.url"), literal_binds=True, upgrade_token=f"{name}_upgrades")
        with context.begin_transaction():
            context.run_migrations(engine_name=name)
    else:
        engine = engine_from_config(config.get_section(name), poolclass=pool.NullPool)
        with engine.connect() as connection:
            context.configure(connection=connection, upgrade_token=f"{name}_upgrades", downgrade_token=f"{name}_downgrades")
            with context.begin_transaction():
                context.run_migrations(engine_name=name)
