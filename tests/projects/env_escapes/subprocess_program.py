import subprocess
import sys

from shop_env import PORT

subprocess.run([sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', %s))" % PORT], check=True)
