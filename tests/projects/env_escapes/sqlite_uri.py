import os
import sqlite3

sqlite3.connect("file:%s?mode=rwc" % os.environ["PRODUCTION_FILE"], uri=True).execute("CREATE TABLE reached (id int)")
