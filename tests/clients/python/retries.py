"""How the client repeats itself, shown with a gateway that is played by this script.

    python retries.py --nats nats://127.0.0.1:4222
"""

import argparse
import asyncio
import json

import nats

from billfold_client import Billfold, NotDelivered, Problem, UnknownOutcome

BUSY = {"code": "busy", "status": 429, "detail": "full", "retryable": True, "retry_after_ms": 20}
REFUSED = {"code": "unknown_customer", "status": 404, "detail": "no such customer",
           "retryable": False}
ACCEPTED = {"status": "accepted", "position": "00:1"}


class Played:
    """Answers requests with what a list says: a document, or silence."""

    def __init__(self, connection, answers):
        self.connection, self.answers, self.ids = connection, list(answers), []

    async def answer(self, message):
        self.ids.append((message.headers or {}).get("Nats-Msg-Id"))
        answer = self.answers.pop(0)
        if answer is None:
            return
        headers = {"Nats-Service-Error-Code": str(answer["status"])} if "code" in answer else None
        await self.connection.publish(message.reply, json.dumps(answer).encode(), headers=headers)


async def played(url, path, answers, ask, **options):
    """What a client makes of these answers: its result or its error, and the ids that it sent."""
    connection = await nats.connect(url)
    gateway = Played(connection, answers)
    await connection.subscribe(f"billfold.main.as.ada.{path}", cb=gateway.answer)
    await connection.flush()
    ledger = await Billfold.connect(url, "main", "ada", **options)
    try:
        result = await ask(ledger)
    except (Problem, NotDelivered, UnknownOutcome) as error:
        result = error
    await ledger.close()
    await connection.drain()
    return result, gateway.ids


def pay(ledger):
    return ledger.submit("payment.record", {})


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--nats", required=True)
    url = arguments.parse_args().nats
    path = "command.payment.record"

    result, ids = await played(url, path, [BUSY, BUSY, ACCEPTED], pay)
    assert result == ACCEPTED and len(ids) == 3 and len(set(ids)) == 1, (result, ids)
    print("busy is tried again with the same id")

    result, ids = await played(url, path, [None, ACCEPTED], pay, timeout=0.2)
    assert result == ACCEPTED and len(ids) == 2 and len(set(ids)) == 1, (result, ids)
    print("a timeout is followed by the same id")

    result, ids = await played(url, path, [None] * 9, pay, timeout=0.1, patience=0.3)
    assert isinstance(result, UnknownOutcome) and len(set(ids)) == 1, (result, ids)
    print("without any answer the outcome is unknown")

    result, ids = await played(url, path, [REFUSED], pay)
    assert isinstance(result, Problem) and result.code == "unknown_customer", result
    assert len(ids) == 1, ids
    print("a refusal is not tried again")

    result, ids = await played(url, "nothing", [], pay, patience=0.2)
    assert isinstance(result, NotDelivered) and ids == [], (result, ids)
    print("without a gateway nothing is delivered")

    commands = [{"command": "x", "command_id": str(n), "body": {}} for n in range(4)]
    answered = [{"answers": [dict(ACCEPTED, n=0), BUSY]},
                {"answers": [dict(ACCEPTED, n=n) for n in (1, 2, 3)]}]
    result, ids = await played(url, "command.batch", answered,
                               lambda ledger: ledger.submit_batch(commands))
    assert [answer["n"] for answer in result] == [0, 1, 2, 3], result
    print("what a batch left open is sent again, and answers keep their order")


if __name__ == "__main__":
    asyncio.run(main())
