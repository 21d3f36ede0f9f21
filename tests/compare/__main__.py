"""Plays the same on two `billfold` binaries and compares every answer.

    python3 -B tests/compare OLD NEW [--recording FILE]… [--scenario FILE]…

`scripts/compare-with` builds the binaries and makes the recordings. The exit status is 0 if all is
equal or excused by a rule, 1 if something differs, 2 if something could not be played.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time

import demo
import plant
import scenarios
from judge import Judge, Verdict
from player import play
from report import Report
from rules import Rules

arguments = argparse.ArgumentParser(prog="compare", description=__doc__.splitlines()[0])
arguments.add_argument("old", help="the binary that is right")
arguments.add_argument("new", help="the binary to compare with it")
arguments.add_argument("--recording", action="append", default=[], metavar="FILE",
                       help="what to send: a book a line, as tests/src/recording.rs writes it")
arguments.add_argument("--scenario", action="append", default=[], metavar="FILE",
                       help="a scenario file whose expectations both play")
arguments.add_argument("--demo", action="store_true",
                       help="also the books of `billfold demo`, which takes minutes")
arguments.add_argument("--cases", default="tests/data/cases", metavar="DIR",
                       help="the published cases that scenarios name")
arguments.add_argument("--allow", action="append", default=[], metavar="RULE",
                       help="a rule that is off unless asked for")
arguments.add_argument("--forbid", action="append", default=[], metavar="RULE",
                       help="a rule that is not to hold")
arguments.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                       help="books that are played at once")
arguments.add_argument("--self-test", action="store_true",
                       help="plant changes in the answers and see that each is noticed")

GIVEN = None


def settle(given):
    """In each worker, before its first task."""
    global GIVEN
    GIVEN = given


def compare(task):
    """One task in a worker: a book of a recording, or a scenario file."""
    kind, what = task
    try:
        rules = Rules(GIVEN.allow, GIVEN.forbid)
        if kind == "demo":
            return demo.compare(GIVEN.old, GIVEN.new, rules), None
        if kind == "scenario":
            return scenarios.compare(GIVEN.old, GIVEN.new, what, GIVEN.cases, rules), None
        recording = json.loads(what)
        old, new = (play(binary, recording) for binary in (GIVEN.old, GIVEN.new))
        if GIVEN.self_test:
            return plant.verdict(recording["name"], rules, old, what), None
        verdict = Judge(recording["name"], rules, what).compare(old, new)
        verdict.counts[f"books of {recording['name'].split()[0]}"] += 1
        verdict.counts["histories"] += sum("part" in step for step in recording["steps"])
        return verdict, None
    except Exception as failure:  # Whatever it is, the other books are still compared.
        return None, f"{kind} {what[:60]}: {type(failure).__name__}: {failure}"


def tasks(given):
    """Long ones first, so that all workers end together."""
    if given.demo and not given.self_test:
        yield "demo", "saas"
    for path in given.recording:
        with open(path, encoding="utf-8") as file:
            yield from (("recording", line) for line in file)
    if not given.self_test:
        yield from (("scenario", path) for path in given.scenario)


def main():
    given = arguments.parse_args()
    try:
        report = Report(Rules(given.allow, given.forbid), given.self_test)
    except ValueError as error:
        arguments.error(str(error))
    begun, whole, failures = time.monotonic(), Verdict(), []
    with multiprocessing.Pool(given.jobs, settle, (given,)) as pool:
        for verdict, failure in pool.imap_unordered(compare, tasks(given)):
            if failure:
                failures.append(failure)
            else:
                whole.add(verdict)
            report.progress(whole, failures, time.monotonic() - begun)
    report.end(whole, failures, time.monotonic() - begun)
    if failures or not whole.counts:
        return 2
    return 0 if whole.is_equal() else 1


if __name__ == "__main__":
    sys.exit(main())
