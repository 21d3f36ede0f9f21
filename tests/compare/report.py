"""What is printed."""

import sys

from rules import ALWAYS, RULES

# So many kinds of differing places are listed.
MOST_SHAPES = 60
MOST_FAILURES = 10


class Report:
    def __init__(self, rules, self_test):
        self._held, self._self_test = rules.names(), self_test
        self._said = 0.0

    def progress(self, whole, failures, seconds):
        """A line now and then, on stderr."""
        if seconds - self._said < 20:
            return
        self._said = seconds
        counts = whole.counts
        print(f"{seconds:4.0f} s: {counts['histories']} histories, {counts['commands']} commands, "
              f"{sum(whole.shapes.values())} differences, {len(failures)} failures",
              file=sys.stderr, flush=True)

    def end(self, whole, failures, seconds):
        self._counts(whole)
        if self._self_test:
            self._noticed(whole)
        else:
            self._rules(whole)
            self._differences(whole, failures)
        if whole.unlike:
            print(f"\nThe recording says something else of {whole.unlike_count:,} commands on the "
                  "first binary, such as:")
            for line in whole.unlike[:5]:
                print(f"  {line}")
        if failures:
            print(f"\nNOT PLAYED: {len(failures):,}, such as")
        for failure in failures[:MOST_FAILURES]:
            print(f"  {failure}")
        print(f"\n{seconds:.0f} s")

    def _counts(self, whole):
        print("\nCompared")
        groups = {}
        for name, count in whole.counts.items():
            word, _, rest = name.partition(" ")
            grouped = word in ("command", "rejection", "document") and rest
            groups.setdefault(f"{word}s" if grouped else "", []).append((rest if grouped else name,
                                                                         count))
        for group, rows in sorted(groups.items()):
            total = f" {sum(count for _, count in rows):,}" if group else ""
            if group:
                print(f"  {group} by kind:{total}")
            for name, count in sorted(rows):
                if count:
                    print(f"  {'  ' if group else ''}{name:<48} {count:>12,}")

    def _rules(self, whole):
        print("\nRules: what was excused, and why")
        print(f"  {ALWAYS[0]:<16} everywhere: {ALWAYS[1]}")
        for name, _, _, reason in RULES:
            if name not in self._held:
                print(f"  {name:<16} off: {reason}")
            elif whole.excused[name]:
                print(f"  {name:<16} {whole.excused[name]:,} places in "
                      f"{whole.excused_answers[name]:,} answers: {reason}")
            else:
                print(f"  {name:<16} not needed: {reason}")

    def _differences(self, whole, failures):
        if whole.is_equal():
            played = ", as far as it was played" if failures else ""
            print(f"\nEqual{played}." if whole.counts else "\nNothing was played.")
            return
        places, kinds = sum(whole.shapes.values()), len(whole.shapes)
        print(f"\nDIFFERENT at {places:,} places of {kinds:,} kinds; one of each")
        for shape, count in whole.shapes.most_common(MOST_SHAPES):
            print(f"  {count:>8,} {shape}")
            if shape in whole.examples:
                where, path, old, new = whole.examples[shape]
                print(f"           {where}: {path}\n             old {old}\n             new {new}")

    def _noticed(self, whole):
        if whole.is_equal():
            print("\nEvery planted change was noticed, or is excused by a rule.")
            return
        print("\nNOT NOTICED")
        for shape, count in whole.shapes.most_common():
            print(f"  {count:>8,} {shape}")
