import os
import sqlite3

sqlite3.Connection(os.environ["PRODUCTION_FILE"]).execute("CREATE TABLE reached (id int)")
