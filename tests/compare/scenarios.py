"""Scenario files, played by `billfold scenario` of both binaries: the same expectations hold, and
what differs, differs by the same."""

import json
import os
import subprocess

from door import memory_folder
from judge import of_texts

SECONDS = 600


def played(binary, path, cases):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BILLFOLD_")}
    if memory_folder():
        environment["TMPDIR"] = memory_folder()
    run = subprocess.run(
        [binary, "--output", "jsonl", "--log", "error", "scenario", "--cases", cases, path],
        capture_output=True, env=environment, timeout=SECONDS, check=False)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {"status": run.returncode, "stderr": run.stderr.decode().splitlines(), "lines": lines}


def compare(old, new, path, cases, rules):
    sides = [played(binary, path, cases) for binary in (old, new)]
    verdict = of_texts(path, rules, [("output", "scenario", *sides)])
    summaries = [line for line in sides[0]["lines"] if line["path"] == "summary"]
    verdict.counts["scenarios"] += len(summaries)
    verdict.counts["scenario values"] += sum(int(line["want"]) for line in summaries)
    verdict.counts["scenario files that differ from what they expect"] += sides[0]["status"] == 1
    verdict.counts["scenario files that cannot be played"] += sides[0]["status"] not in (0, 1)
    return verdict
