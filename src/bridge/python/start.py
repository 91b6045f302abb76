# The text that Python is started with: it reads the bridge's own modules from standard input, so that no file is
# written, and hands over. Nothing of the project can be imported before the fences stand.
import sys

sys.path[:] = [folder for folder in sys.path if folder]
sys.dont_write_bytecode = True

import gc

# Modules are not garbage: nobody looks for it while they are imported, nor at them afterwards (`serve`).
gc.disable()

import importlib.abc
import importlib.util
import json
import linecache
import os

questions, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
os.close(nothing)
os.dup2(2, 1)

start = json.loads(questions.readline())


class Embedded(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the modules of the bridge in the start message."""

    def find_spec(self, name, path=None, target=None):
        if name not in start["modules"]:
            return None
        return importlib.util.spec_from_loader(name, self, origin="<%s>" % name, is_package="." not in name)

    def get_source(self, name):
        return start["modules"][name]

    def get_code(self, name):
        source, file = self.get_source(name), "<%s>" % name
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        return compile(source, file, "exec", dont_inherit=True)


sys.meta_path.insert(0, Embedded())

from alembic_gate_bridge import serve

serve.run(questions, answers, start["settings"])
