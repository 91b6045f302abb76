import os
import sqlite3

connection = sqlite3.connect(":memory:")
connection.execute("ATTACH ? AS production", (os.environ["PRODUCTION_FILE"],))
connection.execute("CREATE TABLE production.reached (id int)")
