"""What may differ between two binaries, each with its reason. All else must be equal.

A rule looks at one leaf at which two answers differ. What no rule excuses is a difference. The
report says how often each rule was needed, so a rule that never is can go.
"""

import re


class Missing:
    """A value that one side does not have."""

    def __repr__(self):
        return "(missing)"


MISSING = Missing()
ID = re.compile(r"([a-z]{3})_[0-9a-f]{32}")
PREVIEWS = ("preview.command", "preview.invoice", "preview.run")


class Leaf:
    """A place at which two answers differ. `path` has the names of fields and the places in lists,
    or `type#n` for the n-th event of a type."""

    def __init__(self, endpoint, path, old, new):
        self.endpoint, self.path, self.old, self.new = endpoint, path, old, new

    def last(self):
        """The name of the field, or the place in the list; none for the whole answer."""
        return self.path[-1] if self.path else None

    def shape(self):
        """The path with `*` for places in lists: where leaves of this kind are."""
        names = [re.sub(r"#\d+$", "", name) if isinstance(name, str) else "*" for name in self.path]
        return ".".join(names)


class Renaming:
    """Ids of one side that stand for ids of the other, one to one."""

    def __init__(self):
        self._there, self._back = {}, {}

    def agrees(self, old, new):
        kinds = [ID.fullmatch(side) for side in (old, new)]
        if not all(kinds) or kinds[0][1] != kinds[1][1]:
            return False
        return self._there.setdefault(old, new) == new and self._back.setdefault(new, old) == old


def texts(leaf):
    return isinstance(leaf.old, str) and isinstance(leaf.new, str)


def in_events(leaf):
    """In what a command was decided to: the feed's events, and those that a preview shows."""
    if leaf.endpoint == "feed.read" or leaf.endpoint.startswith("command."):
        return leaf.path[:1] == ("events",)
    return leaf.endpoint in PREVIEWS and leaf.path[:2] in {("data", "events"), ("data", "invoice")}


def one_sided(leaf):
    return leaf.old is MISSING or leaf.new is MISSING


def reshaped(leaf):
    """One side lacks the value, or has a record in its place that holds it."""
    sides = (leaf.old, leaf.new), (leaf.new, leaf.old)
    return one_sided(leaf) or any(
        isinstance(record, dict) and plain in record.values() for record, plain in sides)


def fresh_ids(leaf, scope):
    made = leaf.endpoint in ("preview.invoice", "preview.run") and texts(leaf)
    return made and scope.made(leaf) and scope.answer.agrees(leaf.old, leaf.new)


def preview_tokens(leaf, _):
    return leaf.endpoint in PREVIEWS and leaf.last() == "token" and texts(leaf)


def derived_ids(leaf, scope):
    return texts(leaf) and scope.made(leaf) and scope.book.agrees(leaf.old, leaf.new)


def event_shape(leaf, _):
    return in_events(leaf) and reshaped(leaf)


def explain_form(leaf, _):
    return leaf.endpoint == "invoices.explain" and bool(leaf.path) and reshaped(leaf)


def stored_bytes(leaf, _):
    size = re.compile(r"the commit would have \d+ bytes")
    return texts(leaf) and bool(size.search(leaf.old)) and (
        size.sub("", leaf.old) == size.sub("", leaf.new))


def too_large(leaf, scope):
    codes = [side.get("code") for side in scope.sides if isinstance(side, dict)]
    return "too_large" in codes


def gained_fields(leaf, _):
    return leaf.old is MISSING and isinstance(leaf.last(), str) and not in_events(leaf)


def system_commits(leaf, _):
    side = leaf.old if leaf.new is MISSING else leaf.new
    return leaf.endpoint == "feed.read" and not leaf.path and one_sided(leaf) and "cause" in side


def positions(leaf, _):
    number = {"revision", "input_revision"}
    token = re.compile(r"LOG:\d+(:\d+)?")
    return leaf.last() in number or (
        texts(leaf) and bool(token.fullmatch(leaf.old) and token.fullmatch(leaf.new)))


# Name, predicate, whether it holds unless switched off, reason.
RULES = [
    ("fresh-ids", fresh_ids, True,
     "previews of invoices and runs make random ids of their own at every question"),
    ("preview-tokens", preview_tokens, True,
     "a token holds a digest of the stored events, whose form may change; it is sent back, and "
     "what it commits is compared"),
    ("derived-ids", derived_ids, False,
     "ids that the system derives, such as those of invoices, are others, but one for one"),
    ("event-shape", event_shape, False,
     "events and their fields may come and go in the feed, in answers and in previews, and a "
     "value may become a record that holds it; what both sides have must be equal"),
    ("explain-form", explain_form, False,
     "the same of fields of explanations"),
    ("stored-bytes", stored_bytes, False,
     "a commit that is too large says how many bytes it would have in its stored form"),
    ("too-large", too_large, False,
     "an answer that shows events fits into a message on one side only, or on none"),
    ("gained-fields", gained_fields, False,
     "answers may gain fields (docs/integrate.md, compatibility)"),
    ("system-commits", system_commits, False,
     "the system may commit more or less by itself; clients' commands must be the same"),
    ("positions", positions, False,
     "the log has other commits, so positions and revisions are others"),
]
# Not a rule, since it cannot be left out: the random id of each log is replaced everywhere.
ALWAYS = ("log-id", "every book has a random log id, which is part of positions and event ids")


def ids_in(text):
    """Every id in a text."""
    return {found[0] for found in ID.finditer(text)}


class Scope:
    """How far renamings reach: one answer, one book. Ids that were sent are never renamed."""

    def __init__(self, sent):
        self._sent = sent
        self.book = Renaming()
        self.answer, self.sides = Renaming(), ()

    def made(self, leaf):
        """The system made both ids."""
        return not {leaf.old, leaf.new} & self._sent

    def next_answer(self, *sides):
        self.answer, self.sides = Renaming(), sides


class Rules:
    """The rules that hold in this comparison."""

    def __init__(self, allow=(), forbid=()):
        names = {name for name, *_ in RULES}
        unknown = (set(allow) | set(forbid)) - names
        if unknown:
            raise ValueError(f"no rule {', '.join(sorted(unknown))}; there are "
                             f"{', '.join(sorted(names))}")
        self._held = [
            (name, excuses) for name, excuses, holds, _ in RULES
            if (holds or name in allow) and name not in forbid
        ]

    def names(self):
        return [name for name, _ in self._held]

    def excuse(self, leaf, scope):
        """The name of the first rule that excuses a leaf, or none."""
        return next((name for name, excuses in self._held if excuses(leaf, scope)), None)


def leaves(endpoint, old, new, path=()):
    """Every leaf at which two answers differ."""
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for field in sorted(old.keys() | new.keys()):
            yield from leaves(endpoint, old.get(field, MISSING), new.get(field, MISSING),
                              (*path, field))
    elif isinstance(old, list) and isinstance(new, list):
        if of_events(old) and of_events(new):
            yield from leaves(endpoint, by_type(old), by_type(new), path)
            return
        for at in range(max(len(old), len(new))):
            sides = (side[at] if at < len(side) else MISSING for side in (old, new))
            yield from leaves(endpoint, *sides, (*path, at))
    else:
        yield Leaf(endpoint, path, old, new)


def of_events(items):
    return all(isinstance(item, dict) and "type" in item and item.keys() <= {"type", "id", "body"}
               for item in items)


def by_type(events):
    """Events by type, so that one more or less does not set all others against each other."""
    seen, named = {}, {}
    for event in events:
        seen[event["type"]] = seen.get(event["type"], 0) + 1
        named[f"{event['type']}#{seen[event['type']]}"] = event
    return named
