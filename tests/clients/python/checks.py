"""What a client relies on, beyond the tour: retries, paging, batches, the feed, every query.

    python checks.py --nats nats://127.0.0.1:4222

Run it on a book that has done the tour. Every document is checked against its JSON Schema.
"""

import argparse
import asyncio

from jsonschema import Draft202012Validator

from billfold_client import Billfold, NotDelivered, Problem, new_id
from schema_check import CheckedBillfold

GATEWAY_VIEWS = {"subscriptions", "customers", "entities", "plans", "preview"}


async def refused(asked):
    """The problem that a request ends with."""
    try:
        answer = await asked
    except Problem as problem:
        return problem
    raise AssertionError(f"not refused: {answer}")


async def a_command_sent_again_gets_the_first_answer(ledger, customer):
    charge = {"customer": customer, "charge": new_id("chg"), "description": "Setup",
              "price": {"total": {"amount": "5.00", "currency": "EUR"}}, "invoice": {"now": {}}}
    command = new_id("cmd")
    first = await ledger.submit("charge.add", charge, command_id=command)
    again = await ledger.submit("charge.add", charge, command_id=command)
    assert (first["duplicate"], again["duplicate"]) == (False, True), (first, again)
    assert {**again, "duplicate": False} == first, (first, again)
    other = {**charge, "description": "Other"}
    problem = await refused(ledger.submit("charge.add", other, command_id=command))
    assert problem.code == "idempotency_key_reused", problem
    return first["position"]


async def an_expected_revision_is_held(ledger, customer, position):
    seen = (await ledger.query("balances", "get", {"customer": customer}, at_least=position))
    assert seen["data"]["customer"]["customer"] == customer, seen
    grant = {"customer": customer, "grant": new_id("crg"), "reason": "goodwill",
             "amount": {"amount": "1.00", "currency": "EUR"}}
    problem = await refused(ledger.submit("credit.grant", grant, expected_revision=1))
    assert problem.code == "revision_conflict", problem
    current = problem.document["current_revision"]
    accepted = await ledger.submit("credit.grant", grant, expected_revision=current)
    assert accepted["revision"] == current + 1, accepted


async def pages_hold_what_the_whole_list_holds(ledger, customer, position):
    for view, name, question in [("invoices", "list", {}), ("balances", "list", {}),
                                 ("balances", "statement", {"customer": customer}),
                                 ("balances", "payments", {"customer": customer})]:
        whole = await ledger.query(view, name, question, at_least=position)
        paged = [item async for item in ledger.items(view, name, {**question, "limit": 1},
                                                     at_least=position)]
        assert paged == whole["data"] and paged, (view, name)


async def of_the_gateway(ledger, position):
    """Questions about the first customer that has a subscription."""
    customers = await ledger.query("balances", "list", at_least=position)
    for row in customers["data"]:
        customer = row["customer"]
        found = await ledger.query("subscriptions", "list", {"customer": customer})
        for subscription in found["data"]:
            body = {"customer": customer, "subscription": subscription["subscription"]}
            cancel = {"command": "subscription.cancel", "body": body | {"when": "cycle_end"}}
            plan = subscription["items"][0]["terms"]["plan"]
            sellers = await ledger.query("entities", "list", {})
            return {"subscriptions.get": body, "subscriptions.list": {"customer": customer},
                    "customers.access": {"customer": customer}, "customers.parked": {},
                    "customers.get": {"customer": customer},
                    "entities.get": {"entity": sellers["data"][0]["entity"]},
                    "plans.migrations": {"plan": plan},
                    "preview.command": cancel,
                    "preview.invoice": {"customer": customer},
                    "preview.run": {"customer": customer, "through": "2027-01-01"}}
    raise AssertionError("nobody has a subscription")


async def every_query_answers(ledger, customer, position):
    listed = await ledger.query("invoices", "list", {"customer": customer}, at_least=position)
    invoice = listed["data"][0]["invoice"]
    questions = {"invoices.get": {"invoice": invoice}, "revenue.get": {"invoice": invoice},
                 "balances.get": {"customer": customer}, "balances.payments": {"customer": customer},
                 "balances.statement": {"customer": customer},
                 "balances.lots": {"customer": customer},
                 "revenue.recognized": {"from": "2026-01-01", "to": "2026-01-31"},
                 "invoices.summary": {"group_by": "month"},
                 "invoices.explain": {"invoice": invoice}}
    questions |= await of_the_gateway(ledger, position)
    names = (await ledger.ask("schema.get", {}))["data"]
    asked = [name["name"] for name in names if name["group"] == "query"]
    for name in asked:
        view, _, question = name.partition(".")
        await ledger.query(view, question, questions.get(name, {}), at_least=position)
    # What the gateway answers has no store, so nothing to say about one.
    for view in sorted({name.partition(".")[0] for name in asked} - GATEWAY_VIEWS):
        await ledger.query(view, "status")
        await ledger.query(view, "hash")
    return len(asked)


async def the_feed_goes_on_where_it_was_left(ledger):
    whole = [commit async for commit in ledger.feed()]
    small = [commit async for commit in ledger.feed(limit=3)]
    assert small == whole and len(whole) > 10
    rest = [commit async for commit in ledger.feed(after=whole[4]["position"], limit=2)]
    assert rest == whole[5:]
    invoiced = [commit async for commit in ledger.feed(types=["invoice.finalized"])]
    kinds = [[event["type"] for event in commit["events"]] for commit in whole]
    assert len(invoiced) == sum("invoice.finalized" in kind for kind in kinds)


async def a_large_batch_is_answered_whole_and_in_order(ledger, seller):
    """Most commands have a field that does not exist, with a name so long that the answers to
    one batch do not fit into one message."""
    def command(n):
        body = {"customer": new_id("cus"), "entity": seller, "name": f"Customer {n}",
                "currency": "EUR"}
        wrong = {**body, "x" * 300 + str(n): 1}
        return {"command": "customer.register", "command_id": new_id("cmd"),
                "body": wrong if n % 4 else body}

    commands = [command(n) for n in range(2_000)]
    pages = 0
    plain_ask = ledger.ask

    async def counted(path, body, *rest, **options):
        nonlocal pages
        pages += path == "command.batch"
        # These are wrong on purpose, so they are not checked before they are sent.
        return await Billfold.ask(ledger, path, body, *rest, **options)

    ledger.ask = counted
    answers = await ledger.submit_batch(commands)
    ledger.ask = plain_ask
    for n, answer in enumerate(answers):
        if n % 4:
            assert answer["code"] == "malformed", answer
        else:
            assert answer["command_id"] == commands[n]["command_id"], answer
    # Two for their number; more because answers are paged.
    assert pages > 2, pages
    return pages


async def schemas_are_schemas(ledger):
    names = (await ledger.ask("schema.get", {}))["data"]
    for name in names:
        path = f"{name['group']}/{name['name']}"
        Draft202012Validator.check_schema(await ledger.schema(path))
    assert (await refused(ledger.schema("no.such"))).code == "not_found"
    return len(names)


async def wrong_requests_are_problems(ledger):
    wrong = Billfold(ledger._nats, "main", "ada", patience=0.2)
    unknown = await refused(wrong.query("invoices", "list", {"costumer": "x"}))
    assert unknown.code == "malformed" and unknown.document["errors"], unknown.document
    missing = await refused(ledger.query("invoices", "get", {"number": "INV-9999"}))
    assert missing.code == "not_found", missing
    run = await refused(ledger.ask("admin.run_status", {"run": new_id("run")}))
    assert run.code == "not_found", run
    try:
        await Billfold(ledger._nats, "nobook", "ada", patience=0.2).query("invoices", "list")
    except NotDelivered:
        pass
    else:
        raise AssertionError("a book that is not there answered")


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--nats", required=True)
    ledger = await CheckedBillfold.connect(arguments.parse_args().nats, "main", "ada")
    customers = await ledger.query("balances", "list")
    customer = customers["data"][0]["customer"]
    registered = [commit async for commit in ledger.feed(types=["entity.defined"])]
    seller = registered[0]["command"]["body"]["entity"]

    position = await a_command_sent_again_gets_the_first_answer(ledger, customer)
    print("a command sent again gets the first answer")
    await an_expected_revision_is_held(ledger, customer, position)
    print("an expected revision is held")
    await pages_hold_what_the_whole_list_holds(ledger, customer, position)
    print("pages hold what the whole list holds")
    print(await every_query_answers(ledger, customer, position), "queries answer")
    await the_feed_goes_on_where_it_was_left(ledger)
    print("the feed goes on where it was left")
    print("a batch of 2000 took", await a_large_batch_is_answered_whole_and_in_order(ledger, seller),
          "requests")
    print(await schemas_are_schemas(ledger), "schemas are schemas")
    await wrong_requests_are_problems(ledger)
    print("wrong requests are problems")
    print(ledger.checked, "documents checked against their schemas")
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main())
