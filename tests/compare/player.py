"""Plays a recording on one binary and keeps every answer.

A recording is what `tests/src/recording.rs` writes. Commands go in batches, in order; a batch ends
where something has to be looked at first. Answers are kept by a label that says where in the
recording they belong, so that those of two binaries can be held beside each other.
"""

import datetime
import json
from collections import Counter

from door import PASSING, Book, Broken

BATCH_COMMANDS = 500
BATCH_BYTES = 400_000
# Customers are foreseen so many days ahead.
FORESEEN = datetime.timedelta(days=40)
# So many commands of a part are sent a second time.
SENT_AGAIN = 5
NOBODY = "inv_" + "0" * 32
# A process that answers nothing new within so many waits has stopped billing.
WAITS = 30

WHOLE_BOOK = [
    ("invoices.summary", {"group_by": "month"}),
    ("invoices.summary", {"group_by": "status"}),
    ("revenue.waterfall", {}),
    ("revenue.recognized", {"from": "2000-01-01"}),
    ("balances.list", {"limit": 500}),
    ("balances.ageing", {}),
    ("balances.trial_balance", {}),
    ("balances.trial_balance", {"as_of": "2100-01-01"}),
    ("balances.summary", {}),
    ("customers.parked", {"limit": 500}),
]


def encode(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Played:
    """What one binary answered. `documents` are raw, with the log's id taken out; `commands` are
    read. Both are by label: the endpoint, and the answer."""

    def __init__(self):
        self.documents = {}
        self.commands = {}
        self.feed = []
        self.counts = Counter()
        # Commands that became something else than the recording says.
        self.unlike = []


class Player:
    """One book of one binary on its way through a recording."""

    def __init__(self, book, now):
        self._door = book.door
        self._now = now
        self._played = Played()
        self._part = "start"
        self._customers, self._all_customers, self._accepted = [], [], []
        self._waiting, self._waiting_bytes = [], 0
        self._position = None
        self._invoices, self._shown, self._tokens = {}, set(), {}
        failed, status = self._door.ask("admin.status", b"{}")
        assert not failed, status
        self._log = json.loads(status)["log"].replace("-", "").encode()

    def part(self):
        """How far it is."""
        return self._part

    def play(self, steps):
        for step in steps:
            if "part" in step:
                self._end_part()
                self._part, self._customers, self._accepted = step["part"], [], []
            elif "preview" in step:
                self._preview(step)
            else:
                self._submit(step)
        self._end_part()
        return self.read_book(self._all_customers)

    def read_book(self, customers):
        """All that can be asked of a book, and its feed."""
        self._part = "end"
        self._look(customers, "in the end")
        self._documents(customers)
        self._show([(name, question, json.dumps(question)) for name, question in WHOLE_BOOK])
        self._read_feed()
        return self._played

    # Commands.

    def _submit(self, step):
        name, body = step["submit"], self._resolved(step["body"])
        command = {"command": name, "command_id": step["id"], "body": body}
        if "effective_at" in step:
            command["effective_at"] = step["effective_at"]
        if step.get("as_previewed") and self._tokens.get(step["id"]):
            command["preview"] = self._tokens.pop(step["id"])
        self._waiting.append((step, command))
        self._waiting_bytes += len(encode(command))
        if name == "customer.register":
            self._customers.append(body["customer"])
            self._all_customers.append(body["customer"])
        elif name == "book.advance_clock":
            self._now = instant(body["to"])
        if name == "billing.run":
            self._flush()
            self._run(body["run"])
        elif len(self._waiting) >= BATCH_COMMANDS or self._waiting_bytes > BATCH_BYTES:
            self._flush()

    def _send_again(self):
        """Commands of the part that were accepted get their first answers again, and another
        command under the id of one of them is refused."""
        self._part += ", again"
        again = [sent for sent in self._accepted if sent[1]["command"] == "customer.register"]
        for step, command in again + self._accepted[-SENT_AGAIN:]:
            self._waiting.append(({**step, "outcome": "accepted"}, command))
        self._flush()
        for step, command in again[:1]:
            other = {**command, "body": {**command["body"], "name": "Somebody Else"}}
            self._part += ", as another"
            self._waiting.append(({**step, "outcome": "idempotency_key_reused"}, other))
        self._flush()

    def _flush(self):
        while self._waiting:
            body = encode({"commands": [command for _, command in self._waiting]})
            failed, reply = self._door.ask("command.batch", body)
            assert not failed, reply
            raw = json.loads(reply)["answers"]
            answers = json.loads(reply.replace(self._log, b"LOG"))["answers"]
            passing = [at for at, answer in enumerate(answers) if answer.get("code") in PASSING]
            answers = answers[:passing[0]] if passing else answers
            for (step, command), answer, as_sent in zip(self._waiting, answers, raw):
                self._answered(step, command, answer)
                self._position = as_sent.get("position", self._position)
            # A long reply answers the first commands only, and a full queue takes no more; the
            # rest is sent again.
            self._waiting = self._waiting[len(answers):]
        self._waiting_bytes = 0

    def _answered(self, step, command, answer):
        counts = self._played.counts
        outcome = answer.get("code", "accepted")
        counts["commands"] += 1
        counts[f"command {command['command']}"] += outcome == "accepted"
        if outcome != "accepted":
            counts[f"rejection {outcome}"] += 1
        elif answer["duplicate"]:
            counts["commands sent again"] += 1
        else:
            self._accepted.append((step, command))
        counts["commands as previewed"] += "preview" in command
        label = f"{self._part} {command['command']} {command['command_id']}"
        self._played.commands[label] = (f"command.{command['command']}", answer)
        if step.get("outcome", outcome) != outcome:
            self._played.unlike.append(f"{label}: {outcome}, not {step['outcome']}")

    def _run(self, run):
        for _ in range(WAITS):
            question = encode({"run": run, "wait_ms": 9_000})
            failed, body = self._door.ask("admin.run_status", question)
            status = json.loads(body)
            if failed or status["state"] == "done":
                break
        self._keep("admin.run_status", run, body)
        if not failed:
            self._position = status["position"]
            self._played.counts["billing runs"] += 1
            # Where nobody was due, nothing has changed.
            if status["due"] > 0:
                self._look(self._customers, f"after {run}")

    def _preview(self, step):
        body = self._resolved(step["body"])
        self._flush()
        question = {"command": step["preview"], "command_id": step["id"], "body": body}
        if "effective_at" in step:
            question["effective_at"] = step["effective_at"]
        failed, body = self._door.ask("query.preview.command", encode(question))
        self._keep("preview.command", step["id"], body)
        if not failed:
            self._tokens[step["id"]] = json.loads(body)["data"]["token"]

    def _resolved(self, value):
        """The same with the ids of invoices that are named by number."""
        if isinstance(value, dict):
            if "$number" in value:
                return self._invoice(value["$number"])
            return {field: self._resolved(inner) for field, inner in value.items()}
        if isinstance(value, list):
            return [self._resolved(inner) for inner in value]
        return value

    def _invoice(self, number):
        if number not in self._invoices:
            self._flush()
            failed, body = self._ask("invoices.get", {"number": number})
            found = None if failed else json.loads(body)["data"]["invoice"]
            self._invoices[number] = NOBODY if found is None else found["invoice"]
        return self._invoices[number]

    # Questions.

    def _ask(self, name, question):
        return self._ask_all([(name, question)])[0]

    def _ask_all(self, questions):
        headers = {"Billfold-At-Least": self._position} if self._position else {}
        return self._door.ask_all(
            [(f"query.{name}", encode(question), headers) for name, question in questions])

    def _keep(self, name, label, body):
        self._played.counts[f"document {name}"] += 1
        self._played.documents[f"{self._part} {name} {label}"] = (
            name, body.replace(self._log, b"LOG"))

    def _show(self, questions):
        """Asks and keeps; gives the answers that are no problems, each read with its label."""
        answers = self._ask_all([(name, question) for name, question, _ in questions])
        for (name, _, label), (_, body) in zip(questions, answers):
            self._keep(name, label, body)
        return answers

    def _pages(self, questions):
        """Every page of lists; gives the items of each, in the order of the lists."""
        items = [[] for _ in questions]
        left, page = list(enumerate(questions)), 1
        while left:
            answers = self._show([(name, question, f"{label} page {page}")
                                  for _, (name, question, label) in left])
            more = []
            for (at, (name, question, label)), (failed, body) in zip(left, answers):
                read = {"data": [], "has_more": False} if failed else json.loads(body)
                items[at] += read["data"]
                if read["has_more"]:
                    more.append((at, (name, {**question, "after": read["next"]}, label)))
            left, page = more, page + 1
        return items

    def _look(self, customers, label):
        """What a customer would notice of a billing run."""
        self._show([
            (name, {"customer": customer}, f"{label} {customer}")
            for customer in customers
            for name in ("subscriptions.list", "customers.access", "balances.get")
        ])

    def _end_part(self):
        self._flush()
        ahead = self._now + FORESEEN
        then, through = ahead.strftime("%Y-%m-%dT%H:%M:%SZ"), ahead.date().isoformat()
        self._look(self._customers, "in the end")
        self._documents(self._customers)
        self._show([
            question
            for customer in self._customers
            for later in [f"ahead {customer}"]
            for question in (
                ("preview.invoice", {"customer": customer}, customer),
                ("preview.run", {"customer": customer, "through": through}, customer),
                ("subscriptions.list", {"customer": customer, "at": then, "limit": 500}, later),
                ("customers.access", {"customer": customer, "at": then}, later),
                ("balances.payments", {"customer": customer, "limit": 500}, customer),
            )
        ])
        self._send_again()

    def _documents(self, customers):
        """Statements, and every invoice that was not shown yet with all that is known of it."""
        self._pages([("balances.statement", {"customer": customer, "limit": 500}, customer)
                     for customer in customers])
        order = {"order": "oldest_first", "limit": 500}
        lists = self._pages([("invoices.list", {"customer": customer, **order}, customer)
                             for customer in customers])
        fresh = {invoice["number"]: invoice["invoice"] for invoices in lists for invoice in invoices
                 if invoice["number"] not in self._shown}
        self._shown.update(fresh)
        self._show([(name, {"invoice": ident, "line_limit": 500}, number)
                    for number, ident in fresh.items()
                    for name in ("invoices.get", "revenue.get", "invoices.explain")])

    def _read_feed(self):
        question = {"limit": 500}
        while True:
            failed, body = self._door.ask("feed.read", encode(question))
            assert not failed, body
            page = json.loads(body)
            if not self._played.feed:
                # The command that opens a book has an id that follows from the log's.
                opened = page["data"][0]["command_id"].encode()
            body = body.replace(self._log, b"LOG").replace(opened, b"cmd_of_log")
            self._played.feed.append(body)
            self._played.counts["commits"] += len(page["data"])
            if not page["has_more"]:
                return
            question["after"] = page["next"]


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def play(binary, recording):
    """Plays a recording on a fresh book."""
    with Book(binary, opened=recording["open"]) as book:
        now = instant(recording["open"]["clock"]["test"])
        player = Player(book, now)
        try:
            return player.play(recording["steps"])
        except (OSError, ValueError, AssertionError, KeyError) as error:
            failure = f"{type(error).__name__}: {error}"
            raise Broken(f"{binary} in {player.part()}: {failure}; {book.said()}") from error
