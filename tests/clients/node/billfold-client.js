// A small client of billfold over NATS. Copy it into your product and change what you like.
//
//   const ledger = await Billfold.connect("nats://127.0.0.1:4222", { book: "main", actor: "ada" });
//   const accepted = await ledger.submit("payment.record", { customer, payment, amount });
//   const invoices = await ledger.query("invoices", "list", { customer },
//     { atLeast: accepted.position });
//
// What it does for you:
//
// - Every command has an id that is made before it is first sent, and keeps it however often it
//   is sent. The ledger remembers accepted ids for ever, so sending again is always safe.
// - A failure is known by its header, before the body is looked at.
// - Busy is tried again after the time that the answer names. No responders means that nobody
//   got the request. A timeout means that nobody knows whether it was carried out. All three are
//   followed by the same request with the same id, until `patience` is used up.
//
// It needs the package @nats-io/transport-node and nothing else.

import { randomBytes } from "node:crypto";
import { connect, errors, headers as natsHeaders } from "@nats-io/transport-node";

const ERROR_CODE = "Nats-Service-Error-Code";
// A batch holds at most so many commands and bytes.
const BATCH_COMMANDS = 1_000;
const BATCH_BYTES = 512 * 1024;
// These pass. Other problems stay the same however often one asks.
const PASSING = new Set([
  "busy",
  "unknown_outcome",
  "unavailable",
  "projection_behind",
  "projection_rebuilding",
]);

/** The ledger's answer is a failure. `document` says what is, then the way out. */
export class Problem extends Error {
  constructor(document) {
    super(`${document.code}: ${document.detail}`);
    this.document = document;
    this.code = document.code;
  }

  passes() {
    return PASSING.has(this.code);
  }

  /** How long to wait before asking again, in milliseconds. */
  pause() {
    return this.document.retry_after_ms ?? 50;
  }
}

/** Nobody listens on this subject, so nothing was done. Is the process running? */
export class NotDelivered extends Error {}

/** No answer came. A command may or may not have been carried out: send it again with the same
 * id. */
export class UnknownOutcome extends Error {}

/** A fresh id such as `cus_…`: a UUID version 7, so that later ids sort later. */
export function newId(prefix) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return `${prefix}_${bytes.toString("hex")}`;
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The number in `<log>:<number>`; 0 is before the first commit. */
const numberOf = (position) => (position ? Number(position.split(":")[1]) : 0);

/** One book, asked as one actor. Times are milliseconds. */
export class Billfold {
  constructor(connection, options) {
    const { book, actor, prefix = "billfold", timeout = 5_000, patience = 60_000 } = options;
    this.connection = connection;
    this.subject = `${prefix}.${book}.as.${actor}.`;
    this.timeout = timeout;
    this.patience = patience;
  }

  /** Connects. `options.nats` are those of the NATS library, such as `authenticator` or `tls`. */
  static async connect(servers, options) {
    const connection = await connect({
      servers,
      // Permissions let an actor read the answers in its own inbox only.
      inboxPrefix: `_INBOX_${options.actor}`,
      // Come back after a restart of the server, however long it takes.
      maxReconnectAttempts: -1,
      ...options.nats,
    });
    return new this(connection, options);
  }

  async close() {
    await this.connection.drain();
  }

  /** Submits one command and gives the ledger's answer once it is durable.
   *
   * Store `commandId` with what you do before you call this, if your own process may die in
   * between: the same id with the same body never does a thing twice. */
  async submit(command, body, options = {}) {
    return this.ask(`command.${command}`, body, {
      headers: {
        "Nats-Msg-Id": options.commandId ?? newId("cmd"),
        "Billfold-Reason": options.reason,
        "Billfold-Effective-At": options.effectiveAt,
        "Billfold-Expected-Revision": options.expectedRevision,
        "Billfold-Deadline": options.deadline,
      },
    });
  }

  /** Submits many commands: objects with `command`, `command_id`, `body`, and what else a
   * command may have. Each is decided by itself; the answers come in the order of the commands,
   * and each is an accepted command or a problem.
   *
   * An answer may hold fewer answers than there were commands, so as to fit into a message: the
   * rest is sent again. So is what the ledger was too busy for; it is then decided after later
   * ones. Commands that build on each other are better submitted one by one. */
  async submitBatch(commands) {
    const answers = new Array(commands.length).fill(null);
    let left = commands.map((_, index) => index);
    const until = Date.now() + this.patience;
    while (left.length > 0) {
      const sent = fitting(commands, left);
      const page = await this.ask("command.batch", { commands: sent.map((i) => commands[i]) });
      page.answers.forEach((answer, place) => (answers[sent[place]] = answer));
      const passing = sent.filter((i) => answers[i] && PASSING.has(answers[i].code));
      left = left.filter((i) => answers[i] === null || passing.includes(i));
      if (passing.length > 0) {
        if (Date.now() > until) break;
        await sleep(Math.max(...passing.map((i) => new Problem(answers[i]).pause())));
      }
    }
    return answers;
  }

  /** Asks a read model. With the `position` of an answer as `atLeast` it has seen that command. */
  async query(view, name, body = {}, { atLeast } = {}) {
    return this.ask(`query.${view}.${name}`, body, { headers: { "Billfold-At-Least": atLeast } });
  }

  /** Every item of a list, page by page. */
  async *items(view, name, body = {}, options = {}) {
    const question = { ...body };
    for (;;) {
      const page = await this.query(view, name, question, options);
      yield* page.data;
      if (!page.has_more) return;
      question.after = page.next;
    }
  }

  /** Every commit behind a position, in order; with `follow` it goes on for ever.
   *
   * Keep `entry.position` together with what you made of the entry, best in the same transaction
   * of your own database, and come back with it as `after`. */
  async *feed({ after, types, stream, limit = 500, follow = false } = {}) {
    const question = { after, types, stream, limit, wait_ms: follow ? 20_000 : 0 };
    let last = numberOf(after);
    for (;;) {
      const page = await this.ask("feed.read", question, { moreTime: question.wait_ms });
      for (const entry of page.data) {
        const number = numberOf(entry.position);
        // Commits are numbered without gaps; only a filter leaves some out.
        if (!types && !stream && number !== last + 1) {
          throw new Error(`commit ${last + 1} is missing: ${number} follows ${last}`);
        }
        last = number;
        yield entry;
      }
      if (!page.has_more && !follow) return;
      question.after = page.next;
    }
  }

  /** Waits until a billing run has billed everybody. */
  async waitForRun(run) {
    for (;;) {
      const question = { run, wait_ms: 10_000 };
      const status = await this.ask("admin.run_status", question, { moreTime: 10_000 });
      if (status.state === "done") return status;
    }
  }

  /** The JSON Schema of a document, such as `command/payment.record`. */
  async schema(name) {
    return this.ask("schema.get", { name });
  }

  /** Sends a request, the same one again where that may help, and gives the answer. */
  async ask(path, body, { headers = {}, moreTime = 0 } = {}) {
    const given = natsHeaders();
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && value !== null) given.set(name, String(value));
    }
    const subject = this.subject + path;
    const payload = JSON.stringify(body);
    const options = { headers: given, timeout: this.timeout + moreTime };
    const until = Date.now() + this.patience;
    for (;;) {
      let failure;
      let pause = 50;
      try {
        const reply = await this.connection.request(subject, payload, options);
        // The header first: a failure's body is a problem, not what was asked for.
        if (!reply.headers?.has(ERROR_CODE)) return reply.json();
        failure = new Problem(reply.json());
        if (!failure.passes()) throw failure;
        pause = failure.pause();
      } catch (error) {
        failure = meaning(error, subject);
      }
      if (Date.now() + pause > until) throw failure;
      await sleep(pause);
    }
  }
}

/** What an error of the library says about the request. Others are thrown on. */
function meaning(error, subject) {
  if (error instanceof errors.NoRespondersError || error.isNoResponders?.()) {
    return new NotDelivered(`nobody answers ${subject}`);
  }
  if (error instanceof errors.TimeoutError) return new UnknownOutcome(`no answer to ${subject}`);
  throw error;
}

/** As many of the commands as one batch takes. */
function fitting(commands, left) {
  const chosen = [];
  let size = 20;
  for (const index of left.slice(0, BATCH_COMMANDS)) {
    size += Buffer.byteLength(JSON.stringify(commands[index])) + 1;
    if (chosen.length > 0 && size > BATCH_BYTES) break;
    chosen.push(index);
  }
  return chosen;
}
