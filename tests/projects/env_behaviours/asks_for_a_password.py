import getpass

getpass.getpass("password of production: ")
