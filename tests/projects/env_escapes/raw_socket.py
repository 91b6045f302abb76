import socket

from shop_env import PORT

socket.create_connection(("127.0.0.1", int(PORT)), timeout=2).sendall(b"hello")
