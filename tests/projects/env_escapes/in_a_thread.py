import threading

import psycopg

from shop_env import CONNINFO

outcome = []


def work():
    try:
        psycopg.connect(CONNINFO)
    except OSError as error:
        outcome.append(error)


thread = threading.Thread(target=work)
thread.start()
thread.join()
raise outcome[0]
