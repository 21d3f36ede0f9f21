"""The README's tour, over NATS. Prints what `billfold --output json` prints for the same steps.

    billfold up --test-clock 2026-01-01T09:00:00Z --nats nats://127.0.0.1:4222
    python tour.py --nats nats://127.0.0.1:4222

With --ids FILE the ids are taken from a JSON object instead of being made, so that several
clients can do exactly the same. Every document is checked against the ledger's JSON Schemas.
"""

import argparse
import asyncio
import json
import sys

from billfold_client import new_id
from schema_check import CheckedBillfold


class Ids:
    """Fresh ids, or those of a file: by name, and `commands`, one after the other."""

    def __init__(self, file):
        self._given = json.load(open(file, encoding="utf-8")) if file else {}
        self._commands = iter(self._given.get("commands", []))

    def id(self, name, prefix):
        return self._given.get(name) or new_id(prefix)

    def command(self):
        return next(self._commands, None) or new_id("cmd")


def show(document):
    print(json.dumps(document, indent=2, ensure_ascii=False))


def show_line(document):
    print(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


async def tour(ledger, ids):
    async def submit(command, body, **options):
        accepted = await ledger.submit(command, body, command_id=ids.command(), **options)
        show(accepted)
        return accepted

    # A seller, two plans, a customer. Ids come from the client.
    seller = ids.id("seller", "ent")
    starter, pro = ids.id("starter", "pln"), ids.id("pro", "pln")
    await submit("entity.define", {
        "entity": seller, "name": "Example Software", "zone": "Europe/Berlin",
        "payment_terms_days": 14,
        "series": [{"code": "inv", "kind": "invoice", "prefix": "INV", "digits": 4}],
    })
    for plan, name, amount in [(starter, "Starter", "20"), (pro, "Pro", "50")]:
        await submit("plan.define", {
            "plan": plan, "name": name, "every": {"count": 1, "unit": "month"},
            "timing": "in_advance",
            "prices": [{"price": "fee",
                        "amounts": [{"currency": "EUR", "rate": {"flat": amount}}]}],
        })
    customer, subscription = ids.id("customer", "cus"), ids.id("subscription", "sub")
    await submit("customer.register", {
        "customer": customer, "entity": seller, "name": "First Customer",
        "external_id": "crm-1", "currency": "EUR",
    })

    # January: the subscription begins and is invoiced at once.
    await submit("subscription.create", {
        "customer": customer, "subscription": subscription, "plan": starter, "invoice": "now",
    })

    # Ten days later: an upgrade in mid-cycle, and a discount for three cycles.
    await submit("book.advance_clock", {"to": "2026-01-11T09:00:00Z"})
    await submit("subscription.change_plan", {
        "customer": customer, "subscription": subscription, "plan": pro, "when": "now",
    }, reason="asked for by phone")
    await submit("discount.apply", {
        "customer": customer, "discount": ids.id("discount", "dsc"),
        "on": {"subscription": subscription}, "value": {"percent": "10"},
        "duration": {"cycles": 3},
    })

    # February: billing. The run goes on behind the answer; what it made can be read when it is
    # done.
    await submit("book.advance_clock", {"to": "2026-02-01T09:00:00Z"})
    run = ids.id("run", "run")
    started = await ledger.submit("billing.run", {"run": run, "through": "2026-02-01"},
                                  command_id=ids.command())
    done = await ledger.wait_for_run(run)
    show({**started, "position": done["position"], "run": done})

    # A payment arrives. The position that it got is what the queries must have seen.
    paid = await submit("payment.record", {
        "customer": customer, "payment": ids.id("payment", "pay"),
        "amount": {"amount": "60.00", "currency": "EUR"}, "method": "transfer",
    })
    for view, name, question in [
        ("invoices", "list", {"customer": customer, "order": "oldest_first"}),
        ("invoices", "get", {"number": "INV-0002"}),
        ("revenue", "waterfall", {}),
        ("balances", "statement", {"customer": customer}),
    ]:
        show(await ledger.query(view, name, question, at_least=paid["position"]))

    # The log itself, from its first commit on.
    async for commit in ledger.feed():
        show_line(commit)


async def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--nats", default="nats://127.0.0.1:4222")
    arguments.add_argument("--book", default="main")
    arguments.add_argument("--actor", default="ada")
    arguments.add_argument("--ids")
    given = arguments.parse_args()
    ledger = await CheckedBillfold.connect(given.nats, given.book, given.actor)
    await tour(ledger, Ids(given.ids))
    await ledger.close()
    print(f"{ledger.checked} documents checked against their schemas", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
