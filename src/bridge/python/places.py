"""Which code is the user's: the sentence of a failure names their line, not one of a library."""

import os
import site
import sys
import sysconfig

_libraries = None
_own_folders = []
_known = {}


def own(folders):
    """Names folders whose code is the project's, also where they lie among installed packages."""
    _own_folders[:] = [os.path.realpath(folder) + os.sep for folder in folders]
    _known.clear()


def is_own(file):
    """Whether a file belongs to the project: revisions, env.py, the code beside them."""
    known = _known.get(file)
    if known is None:
        known = _known[file] = _decide(file)
    return known


def is_library(file):
    """Whether a file belongs to Python or to an installed package."""
    global _libraries
    if _libraries is None:
        paths = set(sysconfig.get_paths().values()) | {sys.prefix + "/lib", os.path.dirname(os.__file__)}
        paths.update(site.getsitepackages() if hasattr(site, "getsitepackages") else [])
        paths.add(site.getusersitepackages() if hasattr(site, "getusersitepackages") else os.__file__)
        both = {form for path in paths for form in (path, os.path.realpath(path))}
        # Folders that hold the project's code as well, such as the prefix itself, are no libraries.
        _libraries = tuple(path + os.sep for path in both if path not in (sys.prefix, sys.base_prefix))
    return file.startswith("<") or file.startswith(_libraries)


def _decide(file):
    if file.startswith("<"):
        return False
    if not os.path.isabs(file) and not os.path.exists(file):
        return False  # compiled elsewhere: such as SQLAlchemy's own parts in C
    real = os.path.realpath(file)
    if real.startswith(tuple(_own_folders)):
        inner = next(real[len(folder) :] for folder in _own_folders if real.startswith(folder))
        return "site-packages" + os.sep not in inner and "dist-packages" + os.sep not in inner
    return not is_library(file) and not is_library(real)


def caller():
    """File and line of the innermost frame of the project's own code; None where there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        if is_own(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def in_traceback(error):
    """File and line of the innermost frame of the project's own code that an error went through."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        if is_own(trace.tb_frame.f_code.co_filename):
            found = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return found


def called_from(file_ends):
    """Whether a file that ends so is among the callers."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.endswith(file_ends):
            return True
        frame = frame.f_back
    return False
