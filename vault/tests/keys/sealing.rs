//! What a gateway's commands look like once they are sealed.

use event_log::sim::SimDisk;
use schemas::command::{GrantCredit, RegisterCustomer, RetirePlan, ReversePayment};
use schemas::fields::{Blank as _, Erasure};
use schemas::ids::{CommandId, PlanId};
use schemas::{Command, Contact, Personal, StreamId};
use vault::{Absent, Counts, Opened, Vault, VaultError};

use crate::book::{
    customer, grant, id, name_of, open, place, reads, register, registered, reverse, seal, sealed,
};

fn bytes_hold(command: &Command, text: &str) -> bool {
    let bytes = command.encode_body(Vec::new());
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn no_text_is_in_the_stored_bytes_and_each_is_read_with_its_key() {
    // given
    let vault = open(&SimDisk::new(1));
    for (mut command, texts) in [
        (register(1, "Ada"), ["Ada", "ada@example.com"].as_slice()),
        (reverse(1, "bounced"), &["bounced"]),
        (grant(1, "goodwill"), &["goodwill"]),
    ] {
        assert!(texts.iter().all(|text| bytes_hold(&command, text)));
        // when
        let sealing = seal(&vault, &mut command);
        vault.keep(sealing.fresh.iter()).expect("kept");
        // then
        assert!(!texts.iter().any(|text| bytes_hold(&command, text)));
        assert!(!command.to_json().to_string().contains(texts[0]));
        let opened = vault.ring().open_json(command.to_json().to_string().into_bytes());
        let opened = String::from_utf8(opened).expect("JSON");
        assert!(texts.iter().all(|text| opened.contains(text)), "{opened}");
    }
}

#[test]
fn the_same_command_sealed_twice_differs_and_is_recognised_by_its_digest() {
    let vault = open(&SimDisk::new(1));
    registered(&vault, 1, "Ada");
    let (mut one, mut again, mut other) =
        (register(1, "Ada"), register(1, "Ada"), register(1, "Eve"));
    let digests = [&mut one, &mut again, &mut other].map(|command| seal(&vault, command).digest);
    assert_ne!(name_of(&one), name_of(&again));
    assert_eq!(one.clone().blank(), again.clone().blank());
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
    let name = |command: &Command| command.get::<RegisterCustomer>().map(|c| c.name.clone());
    let says = |one: &Command, other: &Command| {
        name(one).zip(name(other)).is_some_and(|(one, other)| one.says_the_same(&other))
    };
    assert!(says(&one, &again));
    assert!(!says(&one, &other));
}

#[test]
fn keys_of_refused_commands_leave_nothing_behind() {
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let mut command = register(1, "Ada");
    let sealing = seal(&vault, &mut command);
    assert_eq!(sealing.fresh.len(), 2, "its own key, and that of its documents");
    let again = seal(&vault, &mut register(1, "Ada"));
    assert_eq!(sealing.digest.map(|d| d.key), again.digest.map(|d| d.key), "one key for both");
    drop((sealing, again));
    assert_eq!(vault.counts().expect("readable"), Counts::default());
    assert_eq!(vault.ring().open(&name_of(&command).0), Opened::Unknown);
}

#[test]
fn an_erased_customer_keeps_what_its_documents_say_until_they_are_erased() {
    // given
    let vault = open(&SimDisk::new(1));
    let ring = vault.ring();
    let (own, document) = registered(&vault, 1, "Ada");
    let (other, _) = registered(&vault, 2, "Eve");
    // when
    vault.erase([(customer(1), Erasure::Own)]).expect("erased");
    // then
    assert_eq!(ring.open(&own), Opened::Erased);
    assert!(reads(&ring, &document, "Ada"));
    assert!(reads(&ring, &other, "Eve"));
    // A reversed payment still says why, and so does who took it back.
    let (mut command, mut reason) = (reverse(1, "bounced"), Some(Personal::Clear("Bob".into())));
    let sealing = vault.seal(&mut command, &mut reason, CommandId::new(id(8))).expect("sealed");
    assert!(!sealing.is_void);
    let why = sealed(&command.get::<ReversePayment>().expect("a reversal").reason).clone();
    assert_eq!(why.key, document.key);
    assert_eq!(sealed(reason.as_ref().expect("a reason")).key, document.key);
    assert!(seal(&vault, &mut register(1, "Ada")).is_void, "nothing new is said of it");
    // when
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    // then
    assert_eq!(ring.open(&document), Opened::Erased);
    assert_eq!(ring.open(&why), Opened::Erased);
    assert!(seal(&vault, &mut reverse(1, "bounced")).is_void);
    assert_eq!(vault.counts().expect("readable").live, 2, "those of the other one");
}

#[test]
fn who_was_never_sealed_for_is_erased_all_the_same() {
    let vault = open(&SimDisk::new(1));
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    vault.erase([(customer(1), Erasure::All)]).expect("erased already");
    assert!(seal(&vault, &mut register(1, "Ada")).is_void);
    assert_eq!(vault.counts().expect("readable").destroyed, 2);
}

#[test]
fn a_text_under_way_while_its_customer_is_erased_is_erased_too() {
    let vault = open(&SimDisk::new(1));
    let mut command = register(1, "Ada");
    let sealing = seal(&vault, &mut command);
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    vault.keep(sealing.fresh.iter()).expect("kept");
    let (own, document) = name_of(&command);
    assert_eq!(vault.ring().open(&own), Opened::Erased);
    assert_eq!(vault.ring().open(&document), Opened::Erased);
}

#[test]
fn a_reason_about_the_book_has_a_key_of_its_own() {
    let vault = open(&SimDisk::new(1));
    let reasons = [5, 6].map(|n| {
        let mut command: Command = RetirePlan { plan: PlanId::new(id(3)) }.into();
        assert_eq!(command.stream(), StreamId::Book);
        let mut reason = Some(Personal::Clear("Ada asked".to_owned()));
        let sealing = vault.seal(&mut command, &mut reason, CommandId::new(id(n)));
        let sealing = sealing.expect("sealed");
        assert_eq!(sealing.digest, None, "the command itself has no text");
        vault.keep(sealing.fresh.iter()).expect("kept");
        sealed(reason.as_ref().expect("a reason")).clone()
    });
    assert_ne!(reasons[0].key, reasons[1].key);
    vault.destroy([vault::KeyScope::Record(id(5))]).expect("destroyed");
    assert_eq!(vault.ring().open(&reasons[0]), Opened::Erased);
    assert!(reads(&vault.ring(), &reasons[1], "Ada asked"));
}

#[test]
fn a_text_that_comes_in_sealed_is_refused() {
    let vault = open(&SimDisk::new(1));
    let (own, document) = registered(&vault, 1, "Ada");
    let mut command = register(2, "Eve");
    command.personal(&mut |field| {
        if let schemas::fields::Field::Contact(contact) = field {
            let (own, document) = (own.clone(), document.clone());
            *contact = Contact::Sealed { own, document, mark: [0; 16] };
        }
    });
    let refused = vault.seal(&mut command, &mut None, CommandId::new(id(8)));
    assert!(matches!(refused, Err(VaultError::Sealed)));
    let mut command = grant(2, "goodwill");
    command.personal(&mut |field| {
        if let schemas::fields::Field::Document(text) = field {
            *text = own.clone().into();
        }
    });
    assert!(command.get::<GrantCredit>().is_some());
    let refused = vault.seal(&mut command, &mut None, CommandId::new(id(8)));
    assert!(matches!(refused, Err(VaultError::Sealed)));
}

#[test]
fn keys_are_for_one_writer_and_one_log() {
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let second = Vault::open(&place(&disk), crate::book::LOG, Absent::Make, |_| true);
    assert!(matches!(second, Err(VaultError::InUse { .. })));
    drop(vault);
    let other = Vault::open(&place(&disk), [1; 16], Absent::Make, |_| true);
    assert!(matches!(other, Err(VaultError::OtherLog { .. })));
    disk.remove_file("master");
    let without = Vault::open(&place(&disk), crate::book::LOG, Absent::Make, |_| true);
    assert!(matches!(without, Err(VaultError::Master { .. })));
}

#[test]
fn json_on_its_way_out_is_opened_wherever_it_holds_a_sealed_text() {
    let vault = open(&SimDisk::new(1));
    let (own, document) = registered(&vault, 1, "Ada \"Countess\" {\"sealed\":\"00\"}");
    let (other, _) = registered(&vault, 2, "Eve");
    vault.erase([(customer(2), Erasure::Own)]).expect("erased");
    let strange = schemas::personal::SealedText { key: own.key, ..other.clone() };
    let json = serde_json::json!({
        "a": [Personal::from(own), Personal::from(document)],
        "b": {"name": Personal::from(other), "text": "{\"sealed\":\"00\"}"},
        "c": Personal::from(strange.clone()),
        "d": {"sealed": "no digits"},
    });
    let opened = vault.ring().open_json(json.to_string().into_bytes());
    let opened: serde_json::Value = serde_json::from_slice(&opened).expect("JSON");
    let name = "Ada \"Countess\" {\"sealed\":\"00\"}";
    let expected = serde_json::json!({
        "a": [name, name],
        "b": {"name": {"erased": true}, "text": "{\"sealed\":\"00\"}"},
        "c": {"sealed": strange.to_hex()},
        "d": {"sealed": "no digits"},
    });
    assert_eq!(opened, expected);
    let plain = br#"{"name":"Ada"}"#.to_vec();
    assert_eq!(vault.ring().open_json(plain.clone()), plain);
}
