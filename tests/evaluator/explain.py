#!/usr/bin/env python3
"""Reckons every amount of explained invoices again, from the explanation alone.

    billfold explain INVOICE --json | tests/evaluator/explain.py
    tests/evaluator/explain.py FILE...

It takes the document of `invoices.explain`, or several of them one after the other, and shares no
code with the ledger: prices, days, ratios, roundings, discounts, credits and totals are written
here a second time, from docs/policies.md. Each difference is a line of output.

Exit status: 0 all equal, 1 something differs, 2 the input cannot be read.
"""

import json
import re
import sys
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UNITS = {"by_second": 1_000_000, "by_millisecond": 1_000, "by_minute": 60_000_000}
MONTHS = {"month": 1, "year": 12}


# Values as the document writes them.

def fraction(text):
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator or "1"))


def decimal(text):
    return Fraction(text)


def instant(text):
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z", text)
    if found is None:
        raise ValueError(f"{text!r} is not an instant")
    seconds = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc)
    return seconds + timedelta(microseconds=int((found[2] or "0").ljust(6, "0")))


def span(text):
    start, end = text.split("/")
    return instant(start), instant(end)


def zone(name):
    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", name)
    if found is None:
        return ZoneInfo(name)
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))


def clocks(text):
    """From which day each zone counts: `A to 2024-02-15, then B`."""
    day, found = None, []
    for part in text.split(", then "):
        name, _, until = part.partition(" to ")
        found.append((day, zone(name)))
        day = date.fromisoformat(until) if until else None
    return found


def micros(at):
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


# Rounding.

def half_up(value):
    """To the nearest integer; halves away from zero."""
    whole = (2 * abs(value) + 1) // 2
    return int(whole) if value >= 0 else -int(whole)


def step(subject, exact, rounded, scale=0, mode="half_up"):
    return {"subject": subject, "exact": exact, "scale": scale, "mode": mode, "rounded": rounded}


# Prices of a whole cycle, in major units.

def graduated(tiers, quantity):
    parts, below = [], Fraction(0)
    for index, tier in enumerate(tiers):
        if index > 0 and quantity <= below:
            break
        top = quantity if tier["up_to"] is None else min(decimal(tier["up_to"]), quantity)
        parts.append((tier, top - below))
        below = quantity if tier["up_to"] is None else decimal(tier["up_to"])
    return parts


def reached(tiers, quantity, units):
    for tier in tiers:
        if tier["up_to"] is None or quantity <= decimal(tier["up_to"]):
            return [(tier, units)]
    return []


def tier_parts(rate, quantity):
    (kind, body), = rate.items()
    if kind == "graduated":
        return graduated(body, quantity)
    if kind == "volume":
        return reached(body, quantity, quantity)
    if kind == "capacity":
        return reached(body, quantity, Fraction(0))
    return []


def tier_price(tier, units):
    share = units * decimal(tier["percent"]) / 100
    return units * decimal(tier["unit"]) + share + decimal(tier["flat"])


def price(rate, quantity):
    (kind, body), = rate.items()
    if kind == "flat":
        return decimal(body)
    if kind == "per_unit":
        return decimal(body) * quantity
    if kind in ("graduated", "volume", "capacity"):
        return sum((tier_price(*part) for part in tier_parts(rate, quantity)), Fraction(0))
    if kind == "package":
        paid = max(quantity - decimal(body["free_units"]), Fraction(0))
        return decimal(body["price"]) * -((-paid) // decimal(body["size"]))
    if kind == "percentage":
        return percentage(body, quantity)
    raise ValueError(f"no price is called {kind!r}")


def percentage(body, quantity):
    if quantity == 0:
        return Fraction(0)
    paid = max(quantity - decimal(body["free_amount"]), Fraction(0))
    total = paid * decimal(body["percent"]) / 100 + decimal(body["fixed"])
    if body["min"] is not None:
        total = max(total, decimal(body["min"]))
    if body["max"] is not None:
        total = min(total, decimal(body["max"]))
    return total


def whole(kind, terms, digits, holds):
    """The price of a whole cycle in minor units; for a true-up, what is missing to the least, or
    all of the least where that holds after discounts."""
    minor = price(terms["rate"], decimal(terms["quantity"])) * 10**digits
    if kind != "minimum_true_up":
        return minor
    least = decimal(terms["minimum"] or "0") * 10**digits
    return least if holds else max(least - minor, 0)


# Time.

class Days:
    """How an invoice counts time."""

    def __init__(self, policies, pricing):
        self.rule = policies["proration"]
        self.clocks = clocks(pricing["zone"])
        every = pricing["every"]
        count = MONTHS.get(every["unit"])
        self.months = None if count is None else count * every["count"]
        # How many units a day of 24 hours has.
        self.of_day = 86_400_000_000 // UNITS[self.rule] if self.rule in UNITS else 1

    def date(self, at):
        (_, clock), *later = self.clocks
        day = at.astimezone(clock).date()
        for since, following in later:
            # The day of a move begins by the clock before it.
            if at < datetime(since.year, since.month, since.day, tzinfo=clock):
                break
            clock, day = following, max(at.astimezone(following).date(), since)
        return day

    def measure(self, time):
        """The length of a span in the unit that is counted."""
        start, end = time
        if self.rule in UNITS:
            unit = UNITS[self.rule]
            return micros(end) // unit - micros(start) // unit
        return (self.date(end) - self.date(start)).days

    def ratio(self, piece, full):
        """The part of a whole cycle that a piece of time is."""
        if piece == full:
            return Fraction(1)
        by_month = {
            "fixed_30": fixed_30,
            "actual": actual,
            "actual_over_30": actual_over_30,
            "strict_30_360": strict_30_360,
        }.get(self.rule)
        if by_month is not None and self.months is not None:
            start, end = (self.date(at) for at in piece)
            return by_month(start, end) / self.months
        return Fraction(self.measure(piece), self.measure(full))


def month_length(day):
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (following - day.replace(day=1)).days


def fixed_30(start, end):
    days = (end - start).days
    if (start.year, start.month) != (end.year, end.month):
        days -= month_length(start) - 30
    return Fraction(days, 30)


def months_between(start, end):
    """How many days fall in each calendar month, and how many that month has."""
    counts = {}
    for number in range((end - start).days):
        day = start + timedelta(days=number)
        counts.setdefault((day.year, day.month), [0, month_length(day)])[0] += 1
    return counts.values()


def actual(start, end):
    return sum((Fraction(days, of) for days, of in months_between(start, end)), Fraction(0))


def actual_over_30(start, end):
    return Fraction((end - start).days, 30)


def strict_30_360(start, end):
    def number(day):
        in_month = 30 if day.day == month_length(day) else min(day.day, 30)
        return day.year * 360 + day.month * 30 + in_month
    return Fraction(number(end - timedelta(days=1)) - number(start) + 1, 30)


def part(amount, ratio, piece, full, days, rule):
    """A part of a whole price before it is rounded, with the roundings on the way."""
    if ratio == 1 or rule == "exact":
        return amount * ratio, []
    if rule in ("ratio_9dp", "ratio_6dp"):
        scale = 9 if rule == "ratio_9dp" else 6
        scaled = ratio * 10**scale
        rounded = half_up(scaled)
        return amount * Fraction(rounded, 10**scale), [step("ratio", scaled, rounded, scale)]
    if rule == "round_up_to_whole_period":
        rounded = -((-ratio) // 1)
        return amount * rounded, [step("ratio", ratio, int(rounded), 0, "up")]
    if rule == "daily_rate_rounded_first":
        # Where time is finer than days, parts of a day cost a part of its price.
        rate = amount * days.of_day / days.measure(full)
        rounded = half_up(rate)
        exact = Fraction(rounded * days.measure(piece), days.of_day)
        return exact, [step("rate", rate, rounded)]
    raise ValueError(f"no rule for ratios is called {rule!r}")


# Lines.

class Line:
    """One line: what it says, and what it should say."""

    def __init__(self, invoice, explained):
        self.invoice = invoice
        self.policies = invoice["policies"]
        self.explained = explained
        self.said = explained["line"]
        self.differences = []
        self.steps = []
        # A least price holds whatever discounts take off.
        self.holds = self.policies["minimum_after_discount"] == "holds"

    def check(self, what, reckoned, said):
        if reckoned != said:
            where = f"{self.invoice['number']} line {self.said['line']}"
            self.differences.append(f"{where}: {what} is {said}, reckoned {reckoned}")

    def run(self):
        kind = self.said["kind"]
        if self.said["credits"] is not None:
            self.credit()
        elif kind in ("recurring", "proration_charge", "minimum_true_up"):
            self.charge()
        elif kind == "one_off":
            self.one_off()
        else:
            self.check("kind", "one that can be reckoned", kind)
        net = self.said["gross"] - sum(part["amount"] for part in self.said["discounts"])
        self.check("net", net, self.said["net"])
        said = [dict(s, exact=fraction(s["exact"])) for s in self.said["rounding"]]
        self.check("rounding", self.steps, said)
        return self.differences

    def amounts(self, ratio, exact, gross):
        self.check("ratio", ratio, fraction(self.said["ratio"]))
        self.check("exact", exact, fraction(self.said["exact"]))
        self.check("gross", gross, self.said["gross"])

    def charge(self):
        said, pricing = self.said, self.said["pricing"]
        digits, kind = self.invoice["digits"], said["kind"]
        quantity = decimal(said["quantity"])
        terms = dict(pricing, quantity=said["quantity"])
        amount = whole(kind, terms, digits, self.holds)
        self.check("whole price", amount, fraction(pricing["whole"]))
        self.tiers(kind, pricing["rate"], quantity)
        days = Days(self.policies, pricing)
        piece, full = span(pricing["span"]), span(pricing["full"])
        ratio = days.ratio(piece, full)
        self.check("time", days.measure(piece), pricing["time"])
        exact, steps = part(amount, ratio, piece, full, days, self.policies["ratio"])
        makes_up = kind == "minimum_true_up" and self.holds
        if makes_up:
            exact, steps = Fraction(max(half_up(exact) - self.price_after_discounts(), 0)), []
        elif pricing["complement"] is not None:
            billed = self.rest(lambda other: other["gross"])
            exact, steps = Fraction(max(half_up(amount) - billed, 0)), []
        gross = half_up(exact)
        self.steps = steps + [step("amount", exact, gross)]
        gross = self.residue(gross)
        self.amounts(ratio, exact, gross)
        if makes_up:
            self.check("discounts", [], said["discounts"])
        self.discounts(gross)

    def rest(self, amount):
        """What the lines have billed that this line is the rest of."""
        others, complement = self.explained["others"], self.said["pricing"]["complement"]
        self.check("lines of the rest", [other["at"] for other in others], complement["lines"])
        billed = sum(amount(other) for other in others)
        self.check("complement", billed, complement["billed"])
        return billed

    def price_after_discounts(self):
        """What is left of the price that this line makes up to the least one."""
        pricing = self.said["pricing"]
        if pricing["complement"] is None:
            self.check("complement", "the line of the price", None)
            return 0
        spans = [other["span"] for other in self.explained["others"]]
        self.check("time of the price", spans, [pricing["span"]])
        # The price is on the same invoice; if this line alone was asked for, it says what is left.
        nets = {line["line"]["line"]: line["line"]["net"] for line in self.invoice["lines"]}
        alone = pricing["complement"]["billed"]
        return self.rest(lambda other: nets.get(other["at"]["line"], alone))

    # What rounding apart makes of a change.

    def residue(self, gross):
        """The last charge of a changed cycle carries it; at most a minor unit."""
        said, policies = self.said, self.policies
        carried = [s for s in said["rounding"] if s["subject"] == "residue"]
        shares = policies["credit_basis"] == "billed_share" and policies["ratio"] == "exact"
        if not shares or said["kind"] == "minimum_true_up":
            self.check("residue", [], carried)
            return gross
        same = [found for found in self.invoice["lines"]
                if found["line"]["source"] == said["source"] and found["line"]["pricing"]]
        charges = [found for found in same if found["line"]["credits"] is None
                   and found["line"]["kind"] != "minimum_true_up"]
        credits = [found for found in same if found["line"]["credits"] is not None
                   and found["credited"]["line"]["kind"] != "minimum_true_up"]
        if not credits or len(self.invoice["lines"]) != self.invoice["line_count"]:
            # What was credited is not in this document: it left as a note, or was not asked for.
            difference = carried[0]["rounded"] - gross if carried else 0
            self.check("residue of a minor unit", abs(difference), len(carried))
        else:
            difference = self.difference(charges, credits, gross)
        if difference:
            gross += difference
            self.steps.append(step("residue", Fraction(gross), gross))
        return gross

    def difference(self, charges, credits, gross):
        """What is to be added to the last charge, so that the change costs what it should."""
        if charges[-1] is not self.explained:
            return 0
        if covered(charges) != covered(credits):
            return 0
        should = half_up(self.at_price(charges) - self.at_price(credits))
        does = gross + sum(found["line"]["gross"] for found in charges[:-1] + credits)
        # More than a minor unit is no rounding: the line was credited in part before.
        if abs(should - does) != 1 or gross + should - does < 0:
            return 0
        return should - does

    def at_price(self, lines):
        total = Fraction(0)
        for found in lines:
            pricing = found["line"]["pricing"]
            days = Days(self.policies, pricing)
            ratio = days.ratio(span(pricing["span"]), span(pricing["full"]))
            total += fraction(pricing["whole"]) * ratio
        return total

    def tiers(self, kind, rate, quantity):
        parts = [] if kind == "minimum_true_up" else tier_parts(rate, quantity)
        reckoned = [(units, decimal(tier["unit"]), decimal(tier["flat"]), decimal(tier["percent"]))
                    for tier, units in parts]
        said = [tuple(decimal(tier[key]) for key in ("quantity", "unit_price", "flat", "percent"))
                for tier in self.said["tiers"]]
        self.check("tiers", reckoned, said)

    def one_off(self):
        exact = fraction(self.said["exact"])
        if self.said["unit_price"] is not None:
            units = decimal(self.said["unit_price"]) * decimal(self.said["quantity"])
            exact = units * 10 ** self.invoice["digits"]
        gross = half_up(exact)
        self.amounts(Fraction(1), exact, gross)
        self.discounts(gross)

    # Discounts.

    def discounts(self, gross):
        left = gross
        for at, taken in enumerate(self.said["discounts"]):
            (kind, basis), = taken["basis"].items()
            what = f"discount {at + 1}"
            if kind == "percent":
                of = left
                if self.policies["discount_stacking"] == "stacked":
                    of = gross
                exact = of * decimal(basis["percent"]) / 100
                rounded = half_up(exact)
                self.steps.append(step("discount", exact, rounded))
                amount = min(rounded, left)
            elif kind == "share":
                of = left
                exact, amount = self.share(taken, basis)
            else:
                self.check(f"{what} basis", "percent or share", kind)
                continue
            self.check(f"{what} of", of, basis["of"])
            self.check(f"{what} exact", exact, fraction(taken["exact"]))
            self.check(f"{what} amount", amount, taken["amount"])
            left -= amount

    def share(self, taken, basis):
        """This line's share of a fixed amount. Lines that get nothing are not listed."""
        shares = next((found["shares"] for found in self.explained["sharing"]
                       if found["discount"] == taken["discount"]), [])
        at = next((i for i, share in enumerate(shares) if share["line"] == self.said["line"]), None)
        if at is None:
            return None, None
        among = basis["among"]
        shared = min(basis["budget"], among)
        rooms = [share["of"] for share in shares]
        rule = self.policies["discount_allocation"]
        if rule == "waterfall":
            before = sum(rooms[:at])
            amount = max(min(shared - before, rooms[at]), 0)
            return Fraction(amount), amount
        exact = Fraction(shared * rooms[at], among)
        amounts = [shared * room // among for room in rooms]
        missing = shared - sum(amounts)
        if rule == "largest_remainder":
            order = sorted(range(len(rooms)), key=lambda i: (-(shared * rooms[i] % among), i))
            for i in order[:missing]:
                amounts[i] += 1
        elif rule == "floor_last_gets_residue":
            for i in reversed(range(len(rooms))):
                more = min(missing, rooms[i] - amounts[i])
                amounts[i] += more
                missing -= more
        else:
            raise ValueError(f"no rule for sharing is called {rule!r}")
        self.check("sum of the shares", shared, sum(share["amount"] for share in shares))
        return exact, amounts[at]

    # Credits.

    def credit(self):
        said, credited = self.said, self.explained["credited"]
        line, pricing = credited["line"], credited["line"]["pricing"]
        piece, billed = span(said["pricing"]["span"]), span(pricing["span"])
        days = Days(self.policies, pricing)
        self.inside(piece, billed)
        self.check("time", days.measure(piece), said["pricing"]["time"])
        self.check("terms in force", said["pricing"]["in_force"], self.explained["in_force"])
        before = sum(days.measure(span(b["span"])) for b in credited["before"] if b["span"])
        after = before + days.measure(piece)
        length = max(days.measure(billed), 1)
        left = line["net"] + sum(b["net"] for b in credited["before"])
        basis = self.basis(line)
        # A note of an amount has no time.
        cut = basis == "billed_share" and any(b["span"] is None for b in credited["before"])
        if cut:
            # What is left is shared by the time that is left.
            exact = Fraction(left * (after - before), max(length - before, 1))
            gross, discounts = half_up(exact), []
            self.steps = [step("amount", exact, gross)]
        elif basis == "billed_share":
            share = lambda of: half_up(Fraction(of * after, length)) - half_up(
                Fraction(of * before, length))
            ratio = Fraction(after - before, length)
            exact, gross = line["gross"] * ratio, share(line["gross"])
            cumulative = Fraction(line["gross"] * after, length)
            self.steps = [step("amount", cumulative, half_up(cumulative))]
            discounts = self.layers(line, gross, share, ratio)
        else:
            ratio, exact, gross = self.priced(basis, days, piece, pricing, line, left)
            discounts = self.own_shares(line, gross)
        if basis in ("billed_share", "billed_amount"):
            # A line says which part of a whole cycle it is, whatever its amount is a share of.
            ratio = days.ratio(piece, span(pricing["full"]))
        if basis != "current_price":
            self.check("whole price", fraction(pricing["whole"]),
                       fraction(said["pricing"]["whole"]))
        net = gross - sum(amount for _, _, amount in discounts)
        if net > left:
            gross -= net - left
            self.steps.append(step("amount", Fraction(left), left))
        # All credits of a line together stay within it, gross as well: discounts come down too.
        room = line["gross"] + sum(b["gross"] for b in credited["before"] if b["span"])
        over = gross - room
        if over > 0:
            self.steps.append(step("amount", Fraction(room), room))
            for i in range(len(discounts) - 1, -1, -1):
                id, part, amount = discounts[i]
                less = max(min(over, amount), 0)
                discounts[i] = (id, part, amount - less)
                gross -= less
                over -= less
            gross -= over
        self.amounts(-ratio, -exact, -gross)
        taken = [(part["discount"], fraction(part["exact"]), part["amount"])
                 for part in said["discounts"]]
        self.check("discounts", [(id, -exact, -amount) for id, exact, amount in discounts], taken)

    def basis(self, line):
        basis = self.policies["credit_basis"]
        if self.holds and line["kind"] == "minimum_true_up":
            # What makes up a least price that holds has no price of its own.
            return basis if basis == "whole_fee" else "billed_share"
        if basis == "billed_share" and self.policies["ratio"] != "exact":
            # Where ratios or rates are rounded, the price is credited as it is charged.
            return "last_billed_price"
        return basis

    def inside(self, piece, billed):
        self.check("credited time is inside the line", True,
                   billed[0] <= piece[0] and piece[1] <= billed[1])

    def priced(self, basis, days, piece, pricing, line, left):
        """A credit by a price; the line's own, or the one in force before the change."""
        if basis == "whole_fee":
            off = sum(part["amount"] for part in line["discounts"])
            gross = line["gross"] if left == line["net"] else left + off
            return Fraction(1), Fraction(gross), gross
        amount = fraction(pricing["whole"])
        force = self.explained["in_force"]
        if basis == "current_price" and force is not None:
            amount = whole(line["kind"], force, self.invoice["digits"], self.holds)
        if basis == "current_price":
            self.check("whole price", amount, fraction(self.said["pricing"]["whole"]))
        full = span(pricing["full"])
        ratio = days.ratio(piece, full)
        if basis == "billed_amount":
            # The part of the line, also where a month's days are told by another rule.
            of_line = days.ratio(span(pricing["span"]), full)
            amount, full = Fraction(line["gross"]), span(pricing["span"])
            ratio = ratio / of_line if of_line else Fraction(1)
        exact, steps = part(amount, ratio, piece, full, days, self.policies["ratio"])
        gross = half_up(exact)
        self.steps = steps + [step("amount", exact, gross)]
        return ratio, exact, gross

    @staticmethod
    def layers(line, gross, share, ratio):
        """What each discount leaves, each layer by the same cumulative share."""
        remaining, above, parts = line["gross"], gross, []
        for taken in line["discounts"]:
            remaining -= taken["amount"]
            layer = share(remaining)
            parts.append((taken["discount"], taken["amount"] * ratio, above - layer))
            above = layer
        return parts

    def own_shares(self, line, gross):
        """Each discount comes back with the part of the line that does, before it is rounded."""
        part = Fraction(gross, line["gross"]) if line["gross"] else Fraction(0)
        left, parts = gross, []
        for taken, said in zip(line["discounts"], self.said["discounts"]):
            of, exact = taken["amount"], fraction(taken["exact"])
            fixed = self.fixed_amount(taken["discount"])
            if self.policies["credit_discount"] == "whole_discount" and fixed is not None:
                of, exact = fixed, Fraction(fixed)
            elif part == 1:
                # With all of the line comes all that was taken off it.
                exact = Fraction(of)
            self.check("discount credited of", of, said["basis"]["credit"]["of"])
            exact *= part
            amount = min(max(half_up(exact), 0), max(left, 0))
            left -= amount
            parts.append((taken["discount"], exact, amount))
        return parts

    def fixed_amount(self, discount):
        """The fixed amount of a discount; none of a percentage, or of phases of a ramp."""
        for given in self.explained["discounts"]:
            value = given["applied"]["value"]
            if given["applied"]["discount"] == discount and "amount" in value:
                return half_up(decimal(value["amount"]["amount"]) * 10 ** self.invoice["digits"])
        return None


def covered(lines):
    """The time of lines, adjoining spans joined."""
    joined = []
    for start, end in sorted(span(found["line"]["pricing"]["span"]) for found in lines):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


# Documents.

def totals(invoice):
    """Sums over all lines, where all are there."""
    lines = [explained["line"] for explained in invoice["lines"]]
    if len(lines) != invoice["line_count"]:
        return []
    gross = sum(line["gross"] for line in lines)
    net = sum(line["net"] for line in lines)
    # No line has a tax yet.
    reckoned = {"gross": gross, "discount": gross - net, "net": net, "tax": 0, "total": net}
    return [f"{invoice['number']}: {what} is {invoice['totals'][what]}, reckoned {amount}"
            for what, amount in reckoned.items() if amount != invoice["totals"][what]]


def evaluate(invoice):
    differences = []
    for explained in invoice["lines"]:
        differences += Line(invoice, explained).run()
    return differences + totals(invoice)


def documents(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        document, end = decoder.raw_decode(text, at)
        yield document.get("data", document)
        at = re.compile(r"\s*").match(text, end).end()


def main(files):
    texts = [sys.stdin.read()] if not files else [open(f, encoding="utf-8").read() for f in files]
    invoices = lines = 0
    differences = []
    try:
        for text in texts:
            for invoice in documents(text.strip()):
                invoices += 1
                lines += len(invoice["lines"])
                differences += evaluate(invoice)
    except (KeyError, TypeError, ValueError) as error:
        print(f"the input is no explanation of an invoice: {error!r}", file=sys.stderr)
        return 2
    for difference in differences:
        print(difference)
    print(f"{invoices} invoices, {lines} lines, {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
