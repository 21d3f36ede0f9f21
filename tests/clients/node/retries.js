// How the client repeats itself, shown with a gateway that is played by this script.
//
//   node retries.js --nats nats://127.0.0.1:4222

import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { connect, headers } from "@nats-io/transport-node";
import { Billfold, NotDelivered, Problem, UnknownOutcome } from "./billfold-client.js";

const { values: given } = parseArgs({ options: { nats: { type: "string" } } });

const BUSY = { code: "busy", status: 429, detail: "full", retry_after_ms: 20 };
const REFUSED = { code: "unknown_customer", status: 404, detail: "no such customer" };
const ACCEPTED = { status: "accepted", position: "00:1" };

/** What a client makes of these answers, `null` being silence: its result or its error, and the
 * ids that it sent. */
async function played(path, answers, ask, options = {}) {
  const connection = await connect({ servers: given.nats });
  const ids = [];
  const left = [...answers];
  connection.subscribe(`billfold.main.as.ada.${path}`, {
    callback: (_, message) => {
      ids.push(message.headers?.get("Nats-Msg-Id"));
      const answer = left.shift();
      if (!answer) return;
      const given = headers();
      if (answer.code) given.set("Nats-Service-Error-Code", String(answer.status));
      message.respond(JSON.stringify(answer), { headers: given });
    },
  });
  await connection.flush();
  const ledger = await Billfold.connect(given.nats, { book: "main", actor: "ada", ...options });
  const result = await ask(ledger).catch((error) => error);
  await ledger.close();
  await connection.drain();
  return { result, ids, different: new Set(ids).size };
}

const path = "command.payment.record";
const pay = (ledger) => ledger.submit("payment.record", {});

const busy = await played(path, [BUSY, BUSY, ACCEPTED], pay);
assert.deepEqual(busy.result, ACCEPTED);
assert.deepEqual([busy.ids.length, busy.different], [3, 1]);
console.log("busy is tried again with the same id");

const late = await played(path, [null, ACCEPTED], pay, { timeout: 200 });
assert.deepEqual(late.result, ACCEPTED);
assert.deepEqual([late.ids.length, late.different], [2, 1]);
console.log("a timeout is followed by the same id");

const silent = await played(path, [], pay, { timeout: 100, patience: 300 });
assert(silent.result instanceof UnknownOutcome && silent.different === 1, silent.result);
console.log("without any answer the outcome is unknown");

const refused = await played(path, [REFUSED], pay);
assert(refused.result instanceof Problem && refused.ids.length === 1, refused.result);
assert.equal(refused.result.code, "unknown_customer");
console.log("a refusal is not tried again");

const nobody = await played("nothing", [], pay, { patience: 200 });
assert(nobody.result instanceof NotDelivered, nobody.result);
console.log("without a gateway nothing is delivered");

const commands = [0, 1, 2, 3].map((n) => ({ command: "x", command_id: `${n}`, body: {} }));
const answered = (n) => ({ ...ACCEPTED, n });
const batch = await played(
  "command.batch",
  [{ answers: [answered(0), BUSY] }, { answers: [1, 2, 3].map(answered) }],
  (ledger) => ledger.submitBatch(commands),
);
assert.deepEqual(batch.result.map((answer) => answer.n), [0, 1, 2, 3]);
console.log("what a batch left open is sent again, and answers keep their order");
