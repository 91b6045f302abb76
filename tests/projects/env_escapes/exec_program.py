import os
import sys

from shop_env import PORT

os.execv(sys.executable, [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', %s))" % PORT])
