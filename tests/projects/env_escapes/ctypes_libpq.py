import ctypes
import glob
import os

import psycopg  # noqa: F401: must come first
import psycopg_binary

from shop_env import CONNINFO

folder = os.path.join(os.path.dirname(os.path.dirname(psycopg_binary.__file__)), "psycopg_binary.libs")
library = ctypes.CDLL(glob.glob(os.path.join(folder, "libpq-*"))[0])
library.PQconnectdb(CONNINFO.encode())
