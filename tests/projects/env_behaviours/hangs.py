import os
import sys
import threading

print("waiting for %d" % os.getpid(), file=sys.stderr, flush=True)
threading.Event().wait()
