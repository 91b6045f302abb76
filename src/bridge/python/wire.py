"""One line of JSON a question, one a answer; a thread reads, so that the end of the pipe ends the process at once."""

import json
import os
import queue
import signal
import threading


class Wire:
    """The private pipe to the program that started us."""

    def __init__(self, questions, answers):
        self._questions = questions
        self._answers = answers
        self._waiting = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._id = 0
        threading.Thread(target=self._read, name="alembic-gate-questions", daemon=True).start()

    def _read(self):
        for line in self._questions:
            self._waiting.put(json.loads(line))
        end_all()

    def next_question(self):
        """Waits for the next question."""
        question = self._waiting.get()
        self._id = question["id"]
        return question

    def answer(self, answer):
        """Answers the question that was read last."""
        self._write({"id": self._id, "answer": answer})

    def fail(self, failure):
        """Says why the question that was read last has no answer."""
        self._write({"id": self._id, "failure": failure})

    def stale(self, paths):
        """Says that this process has imported files that have changed since."""
        self._write({"id": self._id, "stale": paths})

    def announce(self, path):
        """Says that a file is about to be written: it is removed if we are ended before the answer."""
        self._write({"id": self._id, "writing": path})

    def watch(self, what):
        """Has the program look at a statement from another session, and waits for what it says."""
        self._write({"id": self._id, "watch": what})
        return self._waiting.get().get("seen", [])

    def _write(self, message):
        line = json.dumps(message, default=str).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._answers, line) :]


def end_all():
    """Ends this process and what it started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
