import os
import sys

from sqlalchemy import create_engine

from shop_env import run_on_engine

print('{"id": 1, "answer": {}}', flush=True)
os.write(1, b'{"id": 2, "failure": null}\n')
sys.stdout.buffer.write(b"\xff\xfe not UTF-8\n")
sys.stderr.write("x" * 100_000)
run_on_engine(create_engine("sqlite:///production.db"))
