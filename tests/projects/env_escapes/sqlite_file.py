import os
import sqlite3

sqlite3.connect(os.environ["PRODUCTION_FILE"]).execute("CREATE TABLE reached (id int)")
