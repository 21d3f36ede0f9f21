//! Personal fields: each is shown to who seals, and none is left when they are blanked.

use schemas::fields::{Blank as _, Field};
use schemas::personal::SealedText;
use schemas::{Contact, Personal};

use crate::samples;
use crate::values::{clear, contact, sealed, sealed_contact};

/// Personal fields of a record, by what it prints of itself.
fn printed(record: &impl core::fmt::Debug) -> usize {
    let text = format!("{record:?}");
    text.matches("Personal(").count() + text.matches("Contact(").count()
}

#[test]
fn every_personal_field_of_a_command_is_shown() {
    let mut all = 0;
    for (name, mut command) in samples::commands() {
        let mut shown = 0;
        command.personal(&mut |_| shown += 1);
        assert_eq!(shown, printed(&command), "{name}: {}", command.kind().name);
        all += shown;
    }
    assert!(all > 10, "{all}");
}

#[test]
fn every_personal_field_of_an_event_is_shown() {
    let mut all = 0;
    for (name, mut event) in samples::events() {
        let mut shown = 0;
        event.personal(&mut |_| shown += 1);
        assert_eq!(shown, printed(&event), "{name}: {}", event.kind().name);
        all += shown;
    }
    assert!(all > 10, "{all}");
}

#[test]
fn blanked_records_are_equal_however_their_texts_were_sealed() {
    for (_, command) in samples::commands() {
        let mut other = command.clone();
        other.personal(&mut |field| match field {
            Field::Contact(contact) => *contact = sealed_contact(),
            Field::Document(text) => *text = sealed(),
        });
        assert_eq!(other.blank(), command.blank());
    }
}

#[test]
fn a_personal_text_forges_no_other_line() {
    for text in ["Eve\nTotal  0.00 EUR", "Eve\x1b[8m", "", &"x".repeat(1_001)] {
        assert!(text.parse::<Contact>().is_err() && text.parse::<Personal>().is_err(), "{text:?}");
        let json = serde_json::json!(text);
        assert!(serde_json::from_value::<Contact>(json).is_err(), "{text:?}");
    }
    assert!("Éve & Søn, Straße 1".parse::<Contact>().is_ok());
}

#[test]
fn contacts_say_the_same_if_their_marks_do() {
    let Contact::Sealed { own, document, mark } = sealed_contact() else { panic!("sealed") };
    let again = SealedText { nonce: [8; 24], ..own.clone() };
    let again = Contact::Sealed { own: again, document: document.clone(), mark };
    let other = Contact::Sealed { own, document, mark: [9; 16] };
    assert!(sealed_contact().says_the_same(&again));
    assert!(!sealed_contact().says_the_same(&other));
    assert!(!sealed_contact().says_the_same(&contact("Ada")));
    assert!(contact("Ada").says_the_same(&contact("Ada")));
    assert!(!contact("Ada").says_the_same(&contact("Eve")));
}

#[test]
fn a_sealed_text_has_one_form_in_json_and_is_not_taken_in() {
    let Personal::Sealed(text) = sealed() else { panic!("sealed") };
    assert_eq!(SealedText::from_hex(text.to_hex().as_bytes()), Some(text.clone()));
    for wrong in ["", "0", "00", "zz", &text.to_hex()[1..], &text.to_hex().to_uppercase()] {
        assert_eq!(SealedText::from_hex(wrong.as_bytes()), None, "{wrong}");
    }
    let json = serde_json::to_string(&sealed()).expect("JSON");
    assert_eq!(json, format!("{{\"sealed\":\"{}\"}}", text.to_hex()));
    assert!(serde_json::from_str::<Personal>(&json).is_err());
    assert!(serde_json::from_str::<Contact>(&json).is_err());
    assert_eq!(serde_json::to_string(&clear("Ada")).expect("JSON"), "\"Ada\"");
}
