"""The loop: one question, one answer."""

import gc
import os
import sys

from . import fence, process
from .scratch import filled_in, text_of_or_empty
from .wire import Wire


def run(questions, answers, settings):
    """Sets up the fences in their order, then answers until the pipe ends."""
    process.own_session()
    fence.SCRATCH.point_at(settings["dialect"], settings["scratch"])
    sockets = fence.SCRATCH.sockets()
    namespaces = process.isolate(sockets | {os.path.realpath(path) for path in sockets}, settings["namespaces"])
    process.die_with(settings["parent"])
    wire = Wire(questions, answers)
    question = wire.next_question()
    try:
        answering = _start(settings, namespaces, wire)
        gc.freeze()
        gc.enable()
    except BaseException as error:
        from . import failure

        while True:
            wire.fail(dict(failure.described(error), starting=True))
            question = wire.next_question()
    while True:
        answering.answer(question)
        question = wire.next_question()


def _moved(folder, moved):
    """Where another state of the repository is looked at, its folders stand in front of those of the work tree."""
    if moved and (folder == moved["from"] or folder.startswith(moved["from"] + os.sep)):
        return [moved["to"] + folder[len(moved["from"]) :], folder]
    return [folder]


def _start(settings, namespaces, wire):
    os.chdir(settings["folder"])
    sys.argv = ["alembic"]
    sys.path[:] = [folder for given in sys.path for folder in _moved(given, settings.get("moved"))]
    fence.guard_drivers()
    fence.watch()
    fence.redirect_engines()
    for name, value in settings["env"].items():
        os.environ[name] = filled_in(value, settings["dialect"], settings["scratch"])
    from .questions import Questions

    return Questions(settings, namespaces, wire, text_of_or_empty(settings["scratch"], 0))

