use proptest::prelude::*;

use super::*;
use crate::personal::{Contact, Personal};

/// What a text for people is refused for; but for their length, every such kind says the same.
fn refused(text: &str) -> Option<TextError> {
    let label = text.parse::<Label>().err();
    let is_form = |error: &TextError| matches!(error, TextError::Form { .. });
    if !label.as_ref().is_some_and(is_form) {
        let personal = [text.parse::<Personal>().err(), text.parse::<Contact>().err()];
        assert!(personal.iter().all(|other| *other == label), "{text:?}: {label:?}, {personal:?}");
    }
    label
}

#[test]
fn names_of_any_script_are_taken() {
    for name in [
        "Müller & Söhne GmbH",
        "שלום בע״מ",
        "شركة النور",
        "株式会社 東京",
        "Zoe\u{308} & Jose\u{301}",
        "👩‍👩‍👧‍👦 & co",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "می‌خواهم",
        "คำ",
        " spaced ",
    ] {
        assert_eq!(refused(name), None, "{name}");
    }
}

#[test]
fn a_refusal_says_which_character_stands_where() {
    for (text, said) in [
        ("ab\u{1b}[31m", "character 3 of this text is U+001B, a control character; leave it out"),
        (
            "Ada\nLovelace",
            "character 4 of this text is U+000A, which breaks the line; leave it out",
        ),
        (
            "é\u{202e}exe",
            "character 2 of this text is U+202E, which changes the direction of what stands \
             beside it; leave it out",
        ),
        (
            "\u{200b} \u{3000}\u{2060}",
            "this text shows nothing: it is all blanks or characters without width; give words",
        ),
        ("", "a text has 1 to 200 bytes; this one has 0 bytes"),
    ] {
        let found = text.parse::<Label>().expect_err("refused").to_string();
        assert_eq!(found, said);
    }
}

proptest! {
    #[test]
    fn what_is_taken_shows_something_and_forges_nothing(
        text in proptest::collection::vec(
            prop_oneof![
                any::<char>(),
                proptest::char::range('\0', '\u{a0}'),
                proptest::char::range('\u{2000}', '\u{206f}'),
            ],
            1..20,
        ),
    ) {
        let text: String = text.into_iter().collect();
        let forges = text.chars().any(|c| {
            c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
        });
        let blank = text.chars().all(char::is_whitespace);
        match refused(&text) {
            None => prop_assert!(!forges && !blank),
            Some(TextError::Unfit { place, code, .. }) => {
                let found = text.chars().nth(place - 1);
                prop_assert_eq!(found.map(u32::from), Some(code));
                prop_assert!(found.is_some_and(|found| unfit(found).is_some()));
            }
            Some(TextError::Unseen { .. }) => prop_assert!(!text.chars().any(is_seen)),
            Some(TextError::Form { .. }) => prop_assert!(text.is_empty() || text.len() > 200),
        }
    }
}
