//! Personal texts: sealed before they are queued, recognised without being compared, opened on the
//! way out.

mod book;

use std::sync::Arc;

use book::*;
use command_gateway::{BookDoor, Gateway, GatewayConfig, GatewayError, Receipt, Refusal, Router};
use event_log::sim::SimDisk;
use schemas::command::RegisterCustomer;
use schemas::wire::{Headers, Message, header};
use schemas::{Command, Contact, Personal, Rejection};
use serde_json::{Value, json};
use vault::Place;

/// A log and the keys beside it.
struct Disks {
    log: SimDisk,
    keys: SimDisk,
}

impl Disks {
    fn new() -> Self {
        Self { log: SimDisk::new(1), keys: SimDisk::new(2) }
    }

    fn config(&self) -> GatewayConfig {
        config(&self.log).with_keys(Place::on(Arc::new(self.keys.clone())).with_room(4_096))
    }

    fn create(&self) -> Gateway {
        let open = open_test_book("2026-01-01T00:00:00Z");
        let gateway = Gateway::create(&self.config(), LOG, open).expect("a fresh disk");
        set_up(&gateway);
        gateway
    }

    fn open(&self) -> Gateway {
        Gateway::open(&self.config()).expect("a sound log")
    }
}

fn update(n: u64, name: &str) -> Command {
    let customer = customer(n);
    command("customer.update", &json!({"customer": customer, "name": name}).to_string())
}

fn erase(n: u64) -> Command {
    let customer = customer(n);
    command("customer.erase", &json!({"customer": customer, "reason": "a letter"}).to_string())
}

fn accepted(gateway: &Gateway, n: u64, command: Command) -> Receipt {
    gateway.handle().submit_blocking(request(n, command)).expect("accepted")
}

fn reused(n: u64, first: &Receipt) -> Result<Receipt, Refusal> {
    Err(Refusal::IdempotencyKeyReused { command_id: id(n), position: first.position })
}

/// The document of an answer, or of a problem.
fn ask(router: &Router, path: &str, headers: &[(&str, &str)], body: &Value) -> Value {
    let headers: Headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    let subject = format!("billfold.acme.as.ada.{path}");
    let message = Message { subject, headers, body: body.to_string().into_bytes() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let reply = runtime.expect("a runtime").block_on(router.handle(message));
    serde_json::from_slice(&reply.body).expect("JSON")
}

#[test]
fn what_reaches_the_log_is_sealed_and_of_no_use_without_keys() {
    let disks = Disks::new();
    let gateway = disks.create();
    let reason = Personal::Clear("Ada rang".to_owned());
    let request = request(10, register(1)).because(reason);
    gateway.handle().submit_blocking(request).expect("accepted");
    accepted(&gateway, 11, charge(1, 1, "5.00"));
    gateway.close();
    for name in disks.log.file_names() {
        let bytes = disks.log.file_bytes(&name).expect("a file");
        for text in ["Customer 1", "Ada rang", "Work"] {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text} is in {name}");
        }
    }
    let stored = commits(reader(&disks.log));
    let registered = stored.iter().find(|commit| commit.command_id == id(10)).expect("stored");
    assert!(registered.digest.is_some());
    assert!(matches!(registered.reason, Some(Personal::Sealed(_))));
    let command: &RegisterCustomer = registered.command.get().expect("a registration");
    assert!(matches!(command.name, Contact::Sealed { .. }));
    // Who has no keys replays it all the same.
    let without = Gateway::open(&config(&disks.log)).expect("no key is needed");
    assert_eq!(without.handle().progress().durable(), stored.len() as u64);
}

#[test]
fn a_repeat_is_told_from_another_command_whenever_it_comes() {
    let disks = Disks::new();
    let gateway = disks.create();
    let named = |name: &str| {
        let Command::Customer(mut registration) = register(1) else { panic!("a registration") };
        if let schemas::command::CustomerCommand::RegisterCustomer(register) = &mut registration {
            register.name = Contact::Clear(name.to_owned());
        }
        Command::Customer(registration)
    };
    let first = accepted(&gateway, 10, named("Ada"));
    let again = Receipt { duplicate: true, ..first.clone() };
    let send = |gateway: &Gateway, name| gateway.handle().submit_blocking(request(10, named(name)));
    assert_eq!(send(&gateway, "Ada"), Ok(again.clone()));
    assert_eq!(send(&gateway, "Eve"), reused(10, &first));
    gateway.close();
    let gateway = disks.open();
    assert_eq!(send(&gateway, "Ada"), Ok(again.clone()));
    assert_eq!(send(&gateway, "Eve"), reused(10, &first));
    accepted(&gateway, 11, erase(1));
    // Nobody can know any more what the name was; the rest of the command is the same.
    assert_eq!(send(&gateway, "Ada"), Ok(again));
    let other = register(2);
    assert_eq!(gateway.handle().submit_blocking(request(10, other)), reused(10, &first));
}

/// A registration under another name.
fn named(n: u64, name: &str) -> Command {
    let mut command = register(n);
    command.personal(&mut |field| {
        if let schemas::fields::Field::Contact(contact) = field {
            *contact = Contact::Clear(name.to_owned());
        }
    });
    command
}

/// Flips a bit of the secret of every key.
fn damage(keys: &SimDisk) {
    let mut bytes = keys.file_bytes("keys").expect("keys");
    for slot in bytes[512..].chunks_mut(128).filter(|slot| slot[0] != 0) {
        slot[80] ^= 1;
    }
    keys.set_file_bytes("keys", &bytes);
}

#[test]
fn what_cannot_be_compared_for_lack_of_keys_is_no_repeat_until_they_are_back() {
    // given
    for lose in [damage, |keys: &SimDisk| {
        keys.remove_file("keys");
        vault::init(&Place::on(Arc::new(keys.clone())), LOG.into_bytes()).expect("made");
    }] {
        let mut disks = Disks::new();
        let gateway = disks.create();
        let first = accepted(&gateway, 10, named(1, "Ada"));
        gateway.close();
        let whole = disks.keys.copy(7);
        lose(&disks.keys);
        // when
        let gateway = disks.open();
        let send =
            |gateway: &Gateway, command| gateway.handle().submit_blocking(request(10, command));
        // then
        let refusal = Refusal::KeysMissing { command_id: id(10), position: first.position };
        let unclear = Err(refusal.clone());
        assert_eq!(send(&gateway, named(1, "Eve")), unclear);
        assert_eq!(send(&gateway, named(1, "Ada")), unclear);
        assert_eq!(send(&gateway, named(2, "Ada")), reused(10, &first), "the rest differs");
        let problem = refusal.problem(LOG);
        assert_eq!((problem.code.as_str(), problem.status), ("keys_missing", 409));
        assert!(problem.detail.contains("billfold keys restore"), "{}", problem.detail);
        // Nobody is locked out, and who is erased can be compared with nobody.
        assert_eq!(accepted(&gateway, 11, update(1, "Ada King")).events, ["customer.renamed"]);
        gateway.close();
        let mended = restored(&whole, &disks.keys);
        let lost = std::mem::replace(&mut disks.keys, mended);
        let gateway = disks.open();
        let again = Receipt { duplicate: true, ..first.clone() };
        assert_eq!(send(&gateway, named(1, "Ada")), Ok(again.clone()));
        assert_eq!(send(&gateway, named(1, "Eve")), reused(10, &first));
        gateway.close();
        disks.keys = lost;
        let gateway = disks.open();
        accepted(&gateway, 12, erase(1));
        assert_eq!(send(&gateway, named(1, "Ada")), Ok(again));
    }
}

/// The keys of `now` with those of `before` put back.
fn restored(before: &SimDisk, now: &SimDisk) -> SimDisk {
    let (log, place) = (LOG.into_bytes(), |disk: &SimDisk| Place::on(Arc::new(disk.clone())));
    let mut copy = Vec::new();
    vault::backup(&place(before), log, true, &mut copy).expect("copied");
    let disk = now.copy(9);
    let nobody = || Ok::<_, vault::CopyError>(Vec::new());
    vault::restore(&place(&disk), log, || Ok(&copy[..]), None, nobody).expect("restored");
    disk
}

#[test]
fn a_log_that_lost_its_keys_is_not_opened_with_new_ones() {
    let disks = Disks::new();
    let gateway = disks.create();
    accepted(&gateway, 10, register(1));
    gateway.close();
    disks.keys.remove_file("keys");
    let refused = Gateway::open(&disks.config());
    let Err(GatewayError::Keys(vault::VaultError::NoKeys { .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(disks.keys.file_bytes("keys").is_none());
}

#[test]
fn a_book_that_stopped_before_its_keys_were_made_gets_them() {
    let disks = Disks::new();
    let open = open_test_book("2026-01-01T00:00:00Z");
    Gateway::create(&config(&disks.log), LOG, open).expect("a fresh disk").close();
    disks.open().close();
    assert!(disks.keys.file_bytes("keys").is_some());
}

#[test]
fn a_name_that_is_known_already_changes_nothing() {
    let gateway = Disks::new().create();
    accepted(&gateway, 10, register(1));
    assert_eq!(accepted(&gateway, 11, update(1, "Customer 1")).events, Vec::<&str>::new());
    assert_eq!(accepted(&gateway, 12, update(1, "Ada")).events, ["customer.renamed"]);
    assert_eq!(accepted(&gateway, 13, update(1, "Ada")).events, Vec::<&str>::new());
}

#[test]
fn what_was_previewed_is_committed_though_it_is_sealed_anew() {
    let gateway = Disks::new().create();
    let router = Router::new();
    router.add_book(BookDoor::new(gateway.handle()));
    let body = |name: &str| {
        let Value::Object(mut body) = register(1).to_json() else { panic!("an object") };
        body.retain(|_, value| !value.is_null());
        body["name"] = json!(name);
        Value::Object(body)
    };
    let question = json!({"command": "customer.register", "body": body("Ada")});
    let preview = ask(&router, "query.preview.command", &[], &question)["data"].take();
    assert_eq!(preview["events"][0]["body"]["name"], "Ada", "it is opened: {preview}");
    let text = |field: &str| preview[field].as_str().expect("a text").to_owned();
    let (id, token) = (text("command_id"), text("token"));
    let headers = [(header::COMMAND_ID, id.as_str()), (header::PREVIEW, token.as_str())];
    let stale = ask(&router, "command.customer.register", &headers, &body("Eve"));
    assert_eq!(stale["code"], "preview_stale", "{stale}");
    let accepted = ask(&router, "command.customer.register", &headers, &body("Ada"));
    assert_eq!(accepted["status"], "accepted", "{accepted}");
}

#[test]
fn money_of_an_erased_customer_still_moves_though_no_text_can_be_kept() {
    // given
    let disks = Disks::new();
    let gateway = disks.create();
    accepted(&gateway, 10, register(1));
    accepted(&gateway, 11, erase(1));
    let money = |name: &str, more: &str| {
        let customer = customer(1);
        command(name, &format!(r#"{{"customer": "{customer}", {more}}}"#))
    };
    let payment = "pay_00000000000000000000000000000077";
    let paid =
        format!(r#""payment": "{payment}", "amount": {{"amount": "50.00", "currency": "EUR"}}"#);
    accepted(&gateway, 12, money("payment.record", &paid));

    // when
    let refund = money(
        "payment.refund",
        &format!(
            r#"{paid}, "refund": "ref_00000000000000000000000000000078",
                "effect": "customer_credit", "reason": "Ada sent too much""#
        ),
    );
    let refunded = accepted(&gateway, 13, refund.clone());

    // then
    assert_eq!(refunded.events, ["payment.refunded"]);
    let again = accepted(&gateway, 13, refund);
    assert!(again.duplicate && again.position == refunded.position, "{again:?}");
    let charged = request(14, charge(1, 1, "1.00"));
    assert!(gateway.handle().submit_blocking(charged).is_err(), "nothing new is sold");
    gateway.close();
    disks.open().close();
}

#[test]
fn an_erased_customer_is_told_from_the_first_moment_and_after_a_restart() {
    let disks = Disks::new();
    let gateway = disks.create();
    accepted(&gateway, 10, register(1));
    accepted(&gateway, 11, register(2));
    accepted(&gateway, 12, erase(1));
    let erased = |gateway: &Gateway, n| {
        let refused = gateway.handle().submit_blocking(request(n, update(1, "Ada")));
        let Err(Refusal::Rejected { rejection, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(*rejection, Rejection::CustomerErased { customer: customer(1) });
    };
    erased(&gateway, 13);
    gateway.close();
    let gateway = disks.open();
    erased(&gateway, 13);
    assert_eq!(accepted(&gateway, 14, update(2, "Eve")).events, ["customer.renamed"]);
    gateway.close();
    // Old keys are put back beside the log that says what was erased.
    let before = Disks::new();
    let old = before.create();
    accepted(&old, 10, register(1));
    old.close();
    let keys = before.keys.copy(7);
    let old = before.open();
    let first = commits(reader(&before.log)).pop().expect("a registration");
    accepted(&old, 12, erase(1));
    old.close();
    let disks = Disks { log: before.log, keys };
    let gateway = disks.open();
    let ring = gateway.handle().ring().expect("there are keys");
    let command: &RegisterCustomer = first.command.get().expect("a registration");
    let Contact::Sealed { own, .. } = &command.name else { panic!("it is sealed") };
    assert_eq!(ring.open(own), vault::Opened::Erased);
}

#[test]
fn an_older_log_under_newer_keys_takes_no_text_that_nobody_could_read() {
    // given: the customer was erased after the copy of the log was made
    let disks = Disks::new();
    let gateway = disks.create();
    accepted(&gateway, 10, register(1));
    gateway.close();
    let older = disks.log.copy(7);
    let gateway = disks.open();
    accepted(&gateway, 11, erase(1));
    gateway.close();
    let disks = Disks { log: older, keys: disks.keys };
    // when
    let gateway = disks.open();
    let refused = gateway.handle().submit_blocking(request(12, update(1, "Ada King")));
    // then
    let Err(Refusal::Rejected { rejection, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(*rejection, Rejection::KeyDestroyed { customer: customer(1) });
    assert_eq!(rejection.code(), "key_destroyed");
    // What it says is true: the erasure can be done again.
    accepted(&gateway, 13, erase(1));
    let refused = gateway.handle().submit_blocking(request(14, update(1, "Ada King")));
    let Err(Refusal::Rejected { rejection, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(*rejection, Rejection::CustomerErased { customer: customer(1) });
}

#[test]
fn thousands_of_registrations_share_the_syncs_of_their_keys() {
    let disks = Disks::new();
    let gateway = disks.create();
    let before = (disks.log.syncs(), disks.keys.syncs());
    let requests = (0..1_000).map(|n| request(1_000 + n, register(n))).collect();
    let outcomes = gateway.handle().submit_batch(requests).wait();
    assert!(outcomes.iter().all(Result::is_ok));
    let (log, keys) = (disks.log.syncs() - before.0, disks.keys.syncs() - before.1);
    assert!(keys <= 3 * log && keys < 300, "{keys} syncs of keys, {log} of blocks");
}
