"""A book of one `billfold` binary, in a folder of its own, asked over its Unix socket.

Only what every revision has is used: `billfold up` on a fresh folder, and the frames that
docs/integrate.md and schemas/src/wire.rs describe.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

BOOK = "main"
ERROR_CODE = "Nats-Service-Error-Code"
# Requests sent ahead. A read model takes 64 at once and answers more with *busy*.
AHEAD = 32
# Problems that pass: the same request is sent again.
PASSING = {"busy", "unavailable", "projection_behind", "projection_rebuilding"}
PATIENCE = 120.0
LIBC = ctypes.CDLL(None)


class Broken(Exception):
    """The process ended, or its answer is none."""


def memory_folder():
    """Where books lie: in memory if there is such a place, since nothing of them is kept."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def end_with_parent():
    """Linux ends a child whose player was killed; elsewhere it is left behind."""
    death_signal = 1
    if hasattr(LIBC, "prctl"):
        LIBC.prctl(death_signal, signal.SIGKILL)


class Door:
    """One connection."""

    def __init__(self, path, book):
        self._subject = f"billfold.{book}.as.player."
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(path)
        self._reader = self._socket.makefile("rb", 1 << 18)
        self._next = 1

    def close(self):
        self._reader.close()
        self._socket.close()

    def ask(self, endpoint, body, headers=None):
        """Whether it failed, and the answer's body as bytes."""
        return self.ask_all([(endpoint, body, headers)])[0]

    def ask_all(self, requests):
        """The same of several requests, in their order. They are answered in any order."""
        answers = [None] * len(requests)
        left = list(range(len(requests)))
        until = time.monotonic() + PATIENCE
        while left:
            again = []
            for start in range(0, len(left), AHEAD):
                self._exchange(requests, left[start:start + AHEAD], answers)
            for at in left:
                failed, body = answers[at]
                if failed and json.loads(body).get("code") in PASSING:
                    again.append(at)
            if again and time.monotonic() > until:
                raise Broken(f"{requests[again[0]][0]} stays busy: {answers[again[0]][1]}")
            if again:
                time.sleep(0.005)
            left = again
        return answers

    def _exchange(self, requests, which, answers):
        out, places = bytearray(), {}
        for at in which:
            endpoint, body, headers = requests[at]
            subject = self._subject + endpoint
            head = json.dumps({"subject": subject, "headers": headers or {}}).encode()
            out += struct.pack(">IQI", 12 + len(head) + len(body), self._next, len(head))
            out += head
            out += body
            places[self._next] = at
            self._next += 1
        self._socket.sendall(out)
        for _ in which:
            length, ident, head_length = struct.unpack(">IQI", self._read(16))
            rest = self._read(length - 12)
            answers[places[ident]] = (ERROR_CODE.encode() in rest[:head_length], rest[head_length:])

    def _read(self, count):
        read = self._reader.read(count)
        if read is None or len(read) != count:
            raise Broken("the connection ended")
        return read


class Book:
    """A fresh book, or one that lies in `data`; its process ends with it."""

    def __init__(self, binary, opened=None, data=None, book=BOOK):
        self._folder = tempfile.mkdtemp(prefix="compare-", dir=memory_folder())
        data = data or self._folder
        command = [binary, "--data", data, "--book", book, "--output", "json", "--socket",
                   os.path.join(self._folder, "s"), "up"]
        command += flags(opened) if opened else []
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BILLFOLD_")}
        # A file, since nobody reads a pipe meanwhile.
        self._said = open(os.path.join(self._folder, "stderr"), "w+b")
        self._process = self.door = None
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._said,
                env=environment, preexec_fn=end_with_parent)
            self._connect(book)
        except BaseException:
            self.close()
            raise

    def _connect(self, book):
        """Waits for the line that says that it answers."""
        if not self._process.stdout.readline():
            self._process.wait()
            raise Broken(self.said())
        self.door = Door(os.path.join(self._folder, "s"), book)

    def said(self):
        """How the process ended, if it has, and the last that it said."""
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        return f"exit {self._process.poll()}; {said[-500:]}"

    def close(self):
        """Nothing of the book is needed any more, so nothing has to be closed in order."""
        if self.door:
            self.door.close()
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
        self._said.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def flags(opened):
    """How `book.open` is said on the command line."""
    given = ["--profile", opened["profile"]]
    for policy, rule in (opened.get("policies") or {}).items():
        given += ["--policy", f"{policy}={rule}"]
    clock = opened["clock"]
    if isinstance(clock, dict):
        given += ["--test-clock", clock["test"]]
    return given
