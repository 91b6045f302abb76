import pymysql

from shop_env import PORT

pymysql.connect(host="127.0.0.1", port=int(PORT), user="app", password="secret", database="shop")
