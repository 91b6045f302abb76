import os

from sqlalchemy import create_engine

from shop_env import run_on_engine

assert not [name for name in os.environ if name.startswith(("PG", "AWS_")) and os.environ[name] != "/dev/null"]
assert "DATABASE_URL" not in os.environ
run_on_engine(create_engine("postgresql+psycopg://"))
