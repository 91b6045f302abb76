import multiprocessing

from shop_env import PORT


def work():
    import socket

    socket.create_connection(("127.0.0.1", int(PORT)))


child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
