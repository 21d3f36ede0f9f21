"""A small client of billfold over NATS. Copy it into your product and change what you like.

    ledger = await Billfold.connect("nats://127.0.0.1:4222", book="main", actor="ada")
    accepted = await ledger.submit("payment.record", {"customer": …, "payment": …, "amount": …})
    invoices = await ledger.query("invoices", "list", {"customer": …},
                                  at_least=accepted["position"])

What it does for you:

- Every command has an id that is made before it is first sent, and keeps it however often it is
  sent. The ledger remembers accepted ids for ever, so sending again is always safe.
- A failure is known by its header, before the body is looked at.
- *Busy* is tried again after the time that the answer names. *No responders* means that nobody
  got the request. A timeout means that nobody knows whether it was carried out. All three are
  followed by the same request with the same id, until `patience` is used up.

It needs the package nats-py and nothing else.
"""

import asyncio
import json
import os
import time
import uuid

import nats
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout

ERROR_CODE = "Nats-Service-Error-Code"
# A batch holds at most so many commands and bytes.
BATCH_COMMANDS = 1_000
BATCH_BYTES = 512 * 1024
# These pass. Other problems stay the same however often one asks.
PASSING = {
    "busy", "unknown_outcome", "unavailable", "projection_behind", "projection_rebuilding",
}


class Problem(Exception):
    """The ledger's answer is a failure. `document` says what is, then the way out."""

    def __init__(self, document):
        super().__init__(f"{document['code']}: {document['detail']}")
        self.document = document
        self.code = document["code"]

    def passes(self):
        return self.code in PASSING

    def pause(self):
        """How long to wait before asking again, in seconds."""
        return self.document.get("retry_after_ms", 50) / 1000


class NotDelivered(Exception):
    """Nobody listens on this subject, so nothing was done. Is the process running?"""


class UnknownOutcome(Exception):
    """No answer came. A command may or may not have been carried out: send it again with the
    same id."""


def new_id(prefix):
    """A fresh id such as `cus_…`: a UUID version 7, so that later ids sort later."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{prefix}_{uuid.UUID(int=value).hex}"


class Billfold:
    """One book, asked as one actor."""

    def __init__(self, connection, book, actor, *, prefix="billfold", timeout=5.0, patience=60.0):
        self._nats = connection
        self._subject = f"{prefix}.{book}.as.{actor}."
        self.timeout = timeout
        self.patience = patience

    @classmethod
    async def connect(cls, servers, book, actor, *, prefix="billfold", timeout=5.0,
                      patience=60.0, **options):
        """Connects. `options` are those of nats-py, such as `user_credentials` or `tls`."""
        # Permissions let an actor read the answers in its own inbox only.
        options.setdefault("inbox_prefix", f"_INBOX_{actor}")
        # Come back after a restart of the server, however long it takes.
        options.setdefault("max_reconnect_attempts", -1)
        connection = await nats.connect(servers, **options)
        return cls(connection, book, actor, prefix=prefix, timeout=timeout, patience=patience)

    async def close(self):
        await self._nats.drain()

    async def submit(self, command, body, *, command_id=None, reason=None, effective_at=None,
                     expected_revision=None, deadline=None):
        """Submits one command and gives the ledger's answer once it is durable.

        Store `command_id` with what you do before you call this, if your own process may die in
        between: the same id with the same body never does a thing twice.
        """
        headers = {
            "Nats-Msg-Id": command_id or new_id("cmd"),
            "Billfold-Reason": reason,
            "Billfold-Effective-At": effective_at,
            "Billfold-Expected-Revision": expected_revision,
            "Billfold-Deadline": deadline,
        }
        return await self.ask(f"command.{command}", body, headers)

    async def submit_batch(self, commands):
        """Submits many commands: objects with `command`, `command_id`, `body`, and what else a
        command may have. Each is decided by itself; the answers come in the order of the
        commands, and each is an accepted command or a problem.

        An answer may hold fewer answers than there were commands, so as to fit into a message:
        the rest is sent again. So is what the ledger was too busy for; it is then decided after
        later ones. Commands that build on each other are better submitted one by one.
        """
        answers = [None] * len(commands)
        left = list(range(len(commands)))
        until = time.monotonic() + self.patience
        while left:
            sent = _fitting(commands, left)
            page = await self.ask("command.batch", {"commands": [commands[i] for i in sent]})
            for index, answer in zip(sent, page["answers"]):
                answers[index] = answer
            passing = [i for i in sent if answers[i] and answers[i].get("code") in PASSING]
            decided = {i for i in sent if answers[i] and i not in passing}
            left = [i for i in left if i not in decided]
            if passing:
                if time.monotonic() > until:
                    break
                await asyncio.sleep(max(Problem(answers[i]).pause() for i in passing))
        return answers

    async def query(self, view, name, body=None, *, at_least=None):
        """Asks a read model. With the `position` of an answer as `at_least` it has seen that
        command."""
        return await self.ask(f"query.{view}.{name}", body or {}, {"Billfold-At-Least": at_least})

    async def items(self, view, name, body=None, *, at_least=None):
        """Every item of a list, page by page."""
        question = dict(body or {})
        while True:
            page = await self.query(view, name, question, at_least=at_least)
            for item in page["data"]:
                yield item
            if not page["has_more"]:
                return
            question["after"] = page["next"]

    async def feed(self, after=None, *, types=None, stream=None, limit=500, follow=False):
        """Every commit behind a position, in order; with `follow` it goes on for ever.

        Keep `entry["position"]` together with what you made of the entry, best in the same
        transaction of your own database, and come back with it as `after`.
        """
        question = {"after": after, "types": types, "stream": stream, "limit": limit,
                    "wait_ms": 20_000 if follow else 0}
        question = {name: value for name, value in question.items() if value is not None}
        last = _number(after)
        while True:
            page = await self.ask("feed.read", question, more_time=question["wait_ms"] / 1000)
            for entry in page["data"]:
                number = _number(entry["position"])
                # Commits are numbered without gaps; only a filter leaves some out.
                if types is None and stream is None and number != last + 1:
                    raise RuntimeError(f"commit {last + 1} is missing: {number} follows {last}")
                last = number
                yield entry
            if not page["has_more"] and not follow:
                return
            question["after"] = page["next"]

    async def wait_for_run(self, run):
        """Waits until a billing run has billed everybody."""
        while True:
            status = await self.ask("admin.run_status", {"run": run, "wait_ms": 10_000},
                                    more_time=10)
            if status["state"] == "done":
                return status

    async def schema(self, name):
        """The JSON Schema of a document, such as `command/payment.record`."""
        return await self.ask("schema.get", {"name": name})

    async def ask(self, path, body, headers=None, *, more_time=0.0):
        """Sends a request, the same one again where that may help, and gives the answer."""
        given = {name: str(value) for name, value in (headers or {}).items() if value is not None}
        payload = json.dumps(body, ensure_ascii=False).encode()
        until = time.monotonic() + self.patience
        while True:
            pause = 0.05
            try:
                reply = await self._nats.request(self._subject + path, payload, headers=given,
                                                 timeout=self.timeout + more_time)
            except NoRespondersError:
                failure = NotDelivered(f"nobody answers {self._subject}{path}")
            except NatsTimeout:
                failure = UnknownOutcome(f"no answer to {self._subject}{path}")
            else:
                # The header first: a failure's body is a problem, not what was asked for.
                if ERROR_CODE not in (reply.headers or {}):
                    return json.loads(reply.data)
                failure = Problem(json.loads(reply.data))
                if not failure.passes():
                    raise failure
                pause = failure.pause()
            if time.monotonic() + pause > until:
                raise failure
            await asyncio.sleep(pause)


def _number(position):
    """The number in `<log>:<number>`; 0 is before the first commit."""
    return int(position.rpartition(":")[2]) if position else 0


def _fitting(commands, left):
    """As many of the commands as one batch takes."""
    fitting, size = [], 20
    for index in left[:BATCH_COMMANDS]:
        size += len(json.dumps(commands[index], ensure_ascii=False).encode()) + 2
        if fitting and size > BATCH_BYTES:
            break
        fitting.append(index)
    return fitting
