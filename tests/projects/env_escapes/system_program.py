import os
import sys

from shop_env import PORT

os.system("%s -c \"import socket; socket.create_connection(('127.0.0.1', %s))\"" % (sys.executable, PORT))
