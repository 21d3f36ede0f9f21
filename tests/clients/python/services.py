"""What answers on the service API of NATS: PING, INFO and STATS, as one JSON object.

    python services.py --nats nats://127.0.0.1:4222 --expect 4
"""

import argparse
import asyncio
import json

import nats


async def discover(connection, verb, expected):
    """The answers of every service. Nobody knows how many there are: wait for so many."""
    inbox = connection.new_inbox()
    answers = await connection.subscribe(inbox)
    await connection.publish(f"$SRV.{verb}", b"", reply=inbox)
    found = [json.loads((await answers.next_msg(timeout=30)).data) for _ in range(expected)]
    await answers.unsubscribe()
    return found


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--nats", required=True)
    arguments.add_argument("--expect", type=int, required=True)
    given = arguments.parse_args()
    connection = await nats.connect(given.nats)
    verbs = ["PING", "INFO", "STATS"]
    found = {verb: await discover(connection, verb, given.expect) for verb in verbs}
    await connection.close()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
