"""Changes planted in answers: the comparison must notice each, or say which rule excuses it."""

from judge import Judge, Verdict, entries, read


def changed(value):
    """Another value of the same kind, as small a change as there is."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        last = value[-1:]
        return value[:-1] + ("1" if last == "0" else "0") if last.isdigit() else value + "x"
    return "something"


def places(value, path=()):
    """The path of every leaf, and of every list and object that is not empty."""
    if isinstance(value, (dict, list)) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in pairs:
            yield from places(inner, (*path, name))
    yield path


def planted(value, path, gone):
    """The same with one place changed, or gone."""
    if not path:
        return changed(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    if gone and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = planted(copy[path[0]], path[1:], gone)
    return copy


def shape(path):
    return tuple("*" if isinstance(name, int) else name for name in path)


def verdict(name, rules, played, sent):
    """Plants a change at every kind of place of every kind of answer of a book."""
    answers = [(label, *answer) for label, answer in played.commands.items()]
    answers += [(label, kind, read(body)) for label, (kind, body) in played.documents.items()]
    answers += [(ident, "feed.read", entry) for ident, entry in entries(played.feed).items()]
    seen, whole = set(), Verdict()
    for label, endpoint, answer in answers:
        for path in places(answer):
            if path and (endpoint, shape(path)) not in seen:
                seen.add((endpoint, shape(path)))
                for gone in (False, True):
                    one = f"{endpoint} {'.'.join(map(str, shape(path)))}{' gone' if gone else ''}"
                    tried(whole, one, Judge(name, rules, sent), label, endpoint, answer,
                          planted(answer, path, gone))
    whole_answers(whole, name, rules, played)
    return whole


def tried(whole, one, judge, label, endpoint, old, new):
    judge.answer(label, endpoint, old, new)
    whole.counts[f"planted in {endpoint}"] += 1
    if judge.verdict.is_equal():
        names = ", ".join(judge.verdict.excused) or "nothing"
        whole.counts[f"excused by {names} in {endpoint}"] += 1
        if not judge.verdict.excused:
            whole.shapes[one] += 1


def whole_answers(whole, name, rules, played):
    """An answer too few, on either side, and one other commit."""
    for kind in ("documents", "commands"):
        answers = getattr(played, kind)
        for label in list(answers)[::max(1, len(answers) // 5)]:
            for here in (True, False):
                judge = Judge(name, rules)
                rest = {other: answer for other, answer in answers.items() if other != label}
                sides = (answers, rest) if here else (rest, answers)
                judge.all_answers(*sides, read if kind == "documents" else dict)
                whole.counts[f"{kind} taken out"] += 1
                if judge.verdict.is_equal():
                    whole.shapes[f"{kind[:-1]} taken out: {answers[label][0]}"] += 1
