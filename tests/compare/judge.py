"""Holds what two binaries answered beside each other."""

import json
from collections import Counter

from rules import MISSING, Scope, ids_in, leaves

# Kinds of differences of which one is kept with its values; all are counted.
KEPT = 100
# So much of a value is shown.
SHOWN = 300


class Verdict:
    """What was compared, which rules were needed, and what differs. Verdicts add up."""

    def __init__(self):
        # What was played and compared, by kind.
        self.counts = Counter()
        # Leaves and answers that each rule excused.
        self.excused, self.excused_answers = Counter(), Counter()
        # Leaves that differ, by endpoint and shape of their path; one of each with its values.
        self.shapes, self.examples = Counter(), {}
        # What the first binary did that the recording does not say.
        self.unlike, self.unlike_count = [], 0

    def add(self, other):
        self.counts.update(other.counts)
        self.excused.update(other.excused)
        self.excused_answers.update(other.excused_answers)
        self.shapes.update(other.shapes)
        for shape, example in other.examples.items():
            self.keep(shape, example)
        self.unlike_count += other.unlike_count
        self.unlike = (self.unlike + other.unlike)[:KEPT]

    def keep(self, shape, example):
        if len(self.examples) < KEPT:
            self.examples.setdefault(shape, example)

    def is_equal(self):
        return not self.shapes

    def differs(self, where, leaf):
        shape = f"{leaf.endpoint} {leaf.shape()}"
        self.shapes[shape] += 1
        if shape not in self.examples:
            path = ".".join(str(name) for name in leaf.path)
            old, new = (json.dumps(side, default=repr)[:SHOWN] for side in (leaf.old, leaf.new))
            self.keep(shape, (where, path, old, new))


class Judge:
    """Compares one book, to which `sent` was sent."""

    def __init__(self, name, rules, sent=""):
        self._name, self._rules, self._scope = name, rules, Scope(ids_in(sent))
        self.verdict = Verdict()

    def compare(self, old, new):
        """Two sides of one recording."""
        self.all_answers(old.commands, new.commands, lambda answer: answer)
        self._feed(old.feed, new.feed)
        self.all_answers(old.documents, new.documents, read)
        self.verdict.counts.update(old.counts)
        self.verdict.unlike += old.unlike
        self.verdict.unlike_count += len(old.unlike)
        return self.verdict

    def all_answers(self, old, new, reading):
        for label in [*old, *(label for label in new if label not in old)]:
            endpoint = (old.get(label) or new.get(label))[0]
            sides = [side[label][1] if label in side else MISSING for side in (old, new)]
            if sides[0] == sides[1]:
                continue
            sides = [side if side is MISSING else reading(side) for side in sides]
            self.answer(label, endpoint, *sides)

    def _feed(self, old, new):
        """Commit by commit, wherever the pages were cut."""
        if old != new:
            old, new = entries(old), entries(new)
            for ident in [*old, *(ident for ident in new if ident not in old)]:
                sides = [side.get(ident, MISSING) for side in (old, new)]
                self.answer(f"commit of {ident}", "feed.read", *sides)

    def answer(self, label, endpoint, old, new):
        """One answer; every leaf is equal, excused, or a difference."""
        self._scope.next_answer(old, new)
        needed = Counter()
        for leaf in leaves(endpoint, old, new):
            rule = self._rules.excuse(leaf, self._scope)
            if rule is None:
                self.verdict.differs(f"{self._name}: {label}", leaf)
            else:
                needed[rule] += 1
        self.verdict.excused.update(needed)
        self.verdict.excused_answers.update(needed.keys())


def entries(pages):
    """The commits of a feed, by their commands."""
    return {entry["command_id"]: entry for page in pages for entry in read(page)["data"]}


def read(body):
    """An answer's body; what is no JSON stays a text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def of_texts(name, rules, texts):
    """Compares pairs of JSON documents that are no answers of a book: (label, kind, old, new)."""
    judge = Judge(name, rules)
    for label, kind, old, new in texts:
        if old != new:
            judge.answer(label, kind, old, new)
    return judge.verdict
