// The README's tour, over NATS. Prints what `billfold --output json` prints for the same steps.
//
//   billfold up --test-clock 2026-01-01T09:00:00Z --nats nats://127.0.0.1:4222
//   node tour.js --nats nats://127.0.0.1:4222
//
// With --ids FILE the ids are taken from a JSON object instead of being made, so that several
// clients can do exactly the same.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Billfold, newId } from "./billfold-client.js";

const { values: given } = parseArgs({
  options: {
    nats: { type: "string", default: "nats://127.0.0.1:4222" },
    book: { type: "string", default: "main" },
    actor: { type: "string", default: "ada" },
    ids: { type: "string" },
  },
});

// Fresh ids, or those of a file: by name, and `commands`, one after the other.
const fixed = given.ids ? JSON.parse(readFileSync(given.ids, "utf8")) : {};
const commandIds = [...(fixed.commands ?? [])];
const id = (name, prefix) => fixed[name] ?? newId(prefix);
const commandId = () => commandIds.shift() ?? newId("cmd");

const show = (document) => console.log(JSON.stringify(document, null, 2));
const showLine = (document) => console.log(JSON.stringify(document));

const ledger = await Billfold.connect(given.nats, { book: given.book, actor: given.actor });

async function submit(command, body, options = {}) {
  const accepted = await ledger.submit(command, body, { commandId: commandId(), ...options });
  show(accepted);
  return accepted;
}

// A seller, two plans, a customer. Ids come from the client.
const seller = id("seller", "ent");
const starter = id("starter", "pln");
const pro = id("pro", "pln");
await submit("entity.define", {
  entity: seller,
  name: "Example Software",
  zone: "Europe/Berlin",
  payment_terms_days: 14,
  series: [{ code: "inv", kind: "invoice", prefix: "INV", digits: 4 }],
});
for (const [plan, name, amount] of [[starter, "Starter", "20"], [pro, "Pro", "50"]]) {
  await submit("plan.define", {
    plan,
    name,
    every: { count: 1, unit: "month" },
    timing: "in_advance",
    prices: [{ price: "fee", amounts: [{ currency: "EUR", rate: { flat: amount } }] }],
  });
}
const customer = id("customer", "cus");
const subscription = id("subscription", "sub");
await submit("customer.register", {
  customer,
  entity: seller,
  name: "First Customer",
  external_id: "crm-1",
  currency: "EUR",
});

// January: the subscription begins and is invoiced at once.
await submit("subscription.create", { customer, subscription, plan: starter, invoice: "now" });

// Ten days later: an upgrade in mid-cycle, and a discount for three cycles.
await submit("book.advance_clock", { to: "2026-01-11T09:00:00Z" });
await submit(
  "subscription.change_plan",
  { customer, subscription, plan: pro, when: "now" },
  { reason: "asked for by phone" },
);
await submit("discount.apply", {
  customer,
  discount: id("discount", "dsc"),
  on: { subscription },
  value: { percent: "10" },
  duration: { cycles: 3 },
});

// February: billing. The run goes on behind the answer; what it made can be read when it is done.
await submit("book.advance_clock", { to: "2026-02-01T09:00:00Z" });
const run = id("run", "run");
const started = await ledger.submit(
  "billing.run",
  { run, through: "2026-02-01" },
  { commandId: commandId() },
);
const done = await ledger.waitForRun(run);
show({ ...started, position: done.position, run: done });

// A payment arrives. The position that it got is what the queries must have seen.
const { position } = await submit("payment.record", {
  customer,
  payment: id("payment", "pay"),
  amount: { amount: "60.00", currency: "EUR" },
  method: "transfer",
});
for (const [view, name, question] of [
  ["invoices", "list", { customer, order: "oldest_first" }],
  ["invoices", "get", { number: "INV-0002" }],
  ["revenue", "waterfall", {}],
  ["balances", "statement", { customer }],
]) {
  show(await ledger.query(view, name, question, { atLeast: position }));
}

// The log itself, from its first commit on.
for await (const commit of ledger.feed()) showLine(commit);

await ledger.close();
