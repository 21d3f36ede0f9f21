"""The books of `billfold demo`: 1,000 customers over two years, and real purchases."""

import json
import os
import subprocess
import tempfile

from door import Book, Broken, memory_folder
from judge import Judge
from player import Player, instant

SECONDS = 1_800


def run(binary, data):
    """What the demo asks its books, and their answers."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BILLFOLD_")}
    told = subprocess.run([binary, "--output", "json", "demo", "--dir", data], env=environment,
                          capture_output=True, timeout=SECONDS, check=False)
    if told.returncode != 0:
        raise Broken(f"{binary} demo: {told.stderr.decode(errors='replace')}")
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    return {str(at): ("demo", json.dumps(line).encode()) for at, line in enumerate(lines)
            if "answer" in line or "fact" in line}


def played(binary):
    """The demo's answers, then everything that can be asked of its subscription business."""
    with tempfile.TemporaryDirectory(prefix="compare-", dir=memory_folder()) as data:
        answers = run(binary, data)
        with Book(binary, data=data, book="saas") as book:
            failed, body = book.door.ask("query.balances.list", b'{"limit": 500}')
            read = json.loads(body)
            customers = [row["customer"] for row in read["data"]]
            while read["has_more"]:
                question = json.dumps({"limit": 500, "after": read["next"]}).encode()
                failed, body = book.door.ask("query.balances.list", question)
                read = json.loads(body)
                customers += [row["customer"] for row in read["data"]]
            everything = Player(book, instant(read["time"])).read_book(customers)
    everything.documents.update(answers)
    return everything


def compare(old, new, rules):
    sides = [played(binary) for binary in (old, new)]
    verdict = Judge("demo", rules).compare(*sides)
    verdict.counts["demo answers"] += sum(kind == "demo" for kind, _ in sides[0].documents.values())
    return verdict
