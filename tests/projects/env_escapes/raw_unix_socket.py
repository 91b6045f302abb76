import socket

from shop_env import SOCKETS

plain = socket.socket(socket.AF_UNIX)
plain.connect(SOCKETS + "/.s.PGSQL.5432")
plain.sendall(b"hello")
