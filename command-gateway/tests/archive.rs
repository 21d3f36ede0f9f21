//! What can change no more is only in the log, and is read back when a command touches it.

mod book;
mod gate;

use std::sync::Arc;

use book::{LOG, charge, clock, command, customer, open_book, pay, reader, register, request};
use command_gateway::history::History;
use command_gateway::{FirstOutcome, Gateway, GatewayConfig, Refusal, Ticket};
use event_log::Disk;
use event_log::sim::SimDisk;
use gate::GatedDisk;
use schemas::{Command, Rejection};

/// Everything leaves memory as soon as it is durable.
fn config(disk: Arc<dyn Disk>) -> GatewayConfig {
    let config = GatewayConfig::on(disk).with_clock(clock());
    GatewayConfig { warm_commits: 0, awake_customers: 0, ..config }
}

/// A book with a seller that has a series of credit notes, and customers 1 and 2.
fn book_on(disk: Arc<dyn Disk>) -> Gateway {
    let gateway = Gateway::create(&config(disk), LOG, open_book()).expect("a fresh disk");
    let series = r#"{"code":"INV","kind":"invoice","prefix":"INV","digits":4},{"code":"CN","kind":"credit_note","prefix":"CN","digits":4}"#;
    let entity = format!(
        r#"{{"entity":"ent_{:032x}","name":"Seller","zone":"UTC","payment_terms_days":30,"series":[{series}]}}"#,
        1
    );
    accept(&gateway, 1, command("entity.define", &entity));
    accept(&gateway, 2, register(1));
    accept(&gateway, 3, register(2));
    gateway
}

fn accept(gateway: &Gateway, n: u64, command: Command) -> u64 {
    let outcome = gateway.handle().submit_blocking(request(n, command));
    outcome.unwrap_or_else(|refusal| panic!("command {n}: {refusal}")).position
}

fn submit(gateway: &Gateway, n: u64, command: Command) -> Ticket {
    gateway.handle().submit(request(n, command)).expect("there is room")
}

/// A charge of 10.00 that is invoiced at once, on invoice `number`.
fn invoice(of: u64, number: u64) -> Command {
    let (customer, amount) = (customer(of), r#"{"amount":"10.00","currency":"EUR"}"#);
    let json = format!(
        r#"{{"customer":"{customer}","charge":"chg_{number:032x}","description":"Work","price":{{"total":{amount}}},"invoice":{{"now":{{"invoice":"inv_{number:032x}"}}}}}}"#
    );
    command("charge.add", &json)
}

fn credit(of: u64, number: u64, note: u64, amount: &str) -> Command {
    let customer = customer(of);
    let json = format!(
        r#"{{"customer":"{customer}","invoice":"inv_{number:032x}","note":"crn_{note:016x}{number:016x}","to":"credit","lines":[{{"line":1,"amount":{{"amount":"{amount}","currency":"EUR"}}}}]}}"#
    );
    command("credit_note.issue", &json)
}

/// Customer 1 has `count` paid invoices; the position of the first. What customer 2 does then
/// makes them durable and lets them leave memory.
fn paid(gateway: &Gateway, count: u64) -> u64 {
    let mut first = None;
    for number in 1..=count {
        let position = accept(gateway, 100 + number, invoice(1, number));
        first.get_or_insert(position);
        accept(gateway, 10_000 + number, pay(1, number, "10.00"));
    }
    accept(gateway, 90_000, charge(2, 90_000, "1.00"));
    first.expect("at least one")
}

#[test]
fn a_note_on_the_oldest_invoice_is_what_it_would_have_been_on_the_newest() {
    let gateway = book_on(Arc::new(SimDisk::new(1)));
    paid(&gateway, 50);
    accept(&gateway, 20_001, credit(1, 1, 1, "4.00"));
    // What is left of the line is what the first note left.
    let refused = gateway.handle().submit_blocking(request(20_002, credit(1, 1, 2, "6.01")));
    let Err(Refusal::Rejected { rejection, .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(*rejection, Rejection::InvalidCreditLines { .. }), "{rejection}");
    accept(&gateway, 20_003, credit(1, 1, 3, "6.00"));
    // Both notes are of the line when it comes back again.
    accept(&gateway, 90_001, charge(2, 90_001, "1.00"));
    let refused = gateway.handle().submit_blocking(request(20_004, credit(1, 1, 4, "0.01")));
    assert!(matches!(refused, Err(Refusal::Rejected { .. })), "{refused:?}");
}

#[test]
fn a_thousand_notes_on_old_invoices_are_each_answered_once() {
    let gateway = book_on(Arc::new(SimDisk::new(2)));
    paid(&gateway, 200);
    let notes = (0..1_000).map(|n| credit(1, 1 + n % 200, 1 + n, "0.01"));
    let tickets: Vec<Ticket> =
        notes.zip(30_000..).map(|(note, id)| submit(&gateway, id, note)).collect();
    for ticket in tickets {
        ticket.wait().expect("accepted");
    }
}

#[test]
fn others_pass_while_something_is_read_back_and_the_customer_keeps_its_order() {
    let disk = GatedDisk::new(3);
    let gateway = book_on(Arc::new(disk.clone()));
    paid(&gateway, 3);
    // Given that reading takes long,
    disk.reads.close();
    // when a command waits for what is read, and another of its customer comes after it,
    let note = submit(&gateway, 20_001, credit(1, 1, 1, "4.00"));
    disk.reads.wait_for_one();
    let payment = submit(&gateway, 20_002, pay(1, 50_000, "1.00"));
    // then others are answered meanwhile,
    let other = accept(&gateway, 20_003, pay(2, 50_001, "1.00"));
    // and the customer's commands are decided in their order after that.
    disk.reads.open();
    let (note, payment) = (note.wait().expect("accepted"), payment.wait().expect("accepted"));
    assert!(other < note.position && note.position < payment.position);
}

#[test]
fn however_reads_and_commands_fall_together_a_customer_keeps_its_order() {
    let gateway = book_on(Arc::new(SimDisk::new(7)));
    paid(&gateway, 1);
    for round in 0..300 {
        let id = 20_000 + 10 * round;
        // What customer 2 does lets customer 1 leave memory again.
        accept(&gateway, id, pay(2, 60_000 + round, "0.01"));
        let note = submit(&gateway, id + 1, credit(1, 1, 1 + round, "0.01"));
        let payment = submit(&gateway, id + 2, pay(1, 70_000 + round, "0.01"));
        let (note, payment) = (note.wait().expect("accepted"), payment.wait().expect("accepted"));
        assert!(note.position < payment.position, "round {round}");
    }
}

#[test]
fn the_commands_of_a_batch_are_decided_in_their_order_whoever_they_are_of() {
    let disk = GatedDisk::new(8);
    let gateway = book_on(Arc::new(disk.clone()));
    paid(&gateway, 2);
    disk.reads.close();
    let batch =
        vec![request(20_001, credit(1, 1, 1, "4.00")), request(20_002, pay(2, 60_000, "1.00"))];
    let batch = gateway.handle().submit_batch(batch);
    disk.reads.wait_for_one();
    // What is of none of them passes.
    let other = accept(&gateway, 20_003, register(3));
    disk.reads.open();
    let positions: Vec<u64> =
        batch.wait().into_iter().map(|outcome| outcome.expect("accepted").position).collect();
    assert!(other < positions[0] && positions[0] < positions[1], "{other} {positions:?}");
}

#[test]
fn a_stop_refuses_what_waits_for_what_is_read() {
    let disk = GatedDisk::new(4);
    let gateway = book_on(Arc::new(disk.clone()));
    paid(&gateway, 2);
    disk.reads.close();
    let note = submit(&gateway, 20_001, credit(1, 1, 1, "4.00"));
    disk.reads.wait_for_one();
    let stopping = std::thread::spawn(move || gateway.close());
    assert_eq!(note.wait(), Err(Refusal::Unavailable));
    disk.reads.open();
    stopping.join().expect("it stops");
}

#[test]
fn damage_where_an_old_invoice_lies_is_told_with_its_position_and_the_engine_goes_on() {
    let disk = SimDisk::new(5);
    let gateway = book_on(Arc::new(disk.clone()));
    let position = paid(&gateway, 3);
    // Given a log that is damaged where the oldest invoice lies,
    damage(&disk, position);
    // when a command touches it,
    let refused = gateway.handle().submit_blocking(request(20_001, credit(1, 1, 1, "4.00")));
    // then it is told where, and nothing has changed:
    assert_eq!(refused, Err(Refusal::LogDamaged { position }));
    // the same customer pays, and others do.
    accept(&gateway, 20_002, pay(1, 50_000, "1.00"));
    accept(&gateway, 20_003, pay(2, 50_001, "1.00"));
    let refused = gateway.handle().submit_blocking(request(20_004, credit(1, 1, 1, "4.00")));
    assert_eq!(refused, Err(Refusal::LogDamaged { position }));
    // So is who repeats the command that lies there, and not that the ledger is at fault.
    let first = FirstOutcome { position, request: request(101, invoice(1, 1)) };
    assert_eq!(History::new(reader(&disk)).outcome(&first), Err(Refusal::LogDamaged { position }));
}

/// Flips a bit of the commit at a position.
fn damage(disk: &SimDisk, position: u64) {
    let commit = reader(disk).read_commit(position).expect("a log").expect("durable");
    for name in disk.file_names() {
        let mut bytes = disk.file_bytes(&name).expect("a file");
        if let Some(at) = bytes.windows(commit.len()).position(|window| window == commit) {
            bytes[at + commit.len() / 2] ^= 1;
            disk.set_file_bytes(&name, &bytes);
            return;
        }
    }
    panic!("no file holds position {position}");
}

#[test]
fn a_start_knows_what_lies_in_the_log_and_reads_it_back() {
    let disk = SimDisk::new(6);
    let gateway = book_on(Arc::new(disk.clone()));
    paid(&gateway, 20);
    accept(&gateway, 20_001, credit(1, 1, 1, "4.00"));
    drop(gateway);
    let gateway = Gateway::open(&config(Arc::new(disk))).expect("a sound log");
    let refused = gateway.handle().submit_blocking(request(20_002, credit(1, 1, 2, "6.01")));
    assert!(matches!(refused, Err(Refusal::Rejected { .. })), "{refused:?}");
    accept(&gateway, 20_003, credit(1, 1, 3, "6.00"));
}
