//! Opening sealed texts in JSON that is on its way out.
//!
//! *Correctness.* A sealed text has one form in our JSON, `{"sealed":"…"}` with hexadecimal
//! digits. These bytes stand in no JSON string, where the quotes would be escaped, so whatever
//! has this form is a sealed text.

use schemas::personal::{SEALED, SealedText};

use crate::ring::{KeyRing, Opened};

const ERASED: &[u8] = br#"{"erased":true}"#;

impl KeyRing {
    /// The same JSON with every sealed text that can be opened in clear, and those whose keys were
    /// destroyed as `{"erased":true}`.
    pub fn open_json(&self, json: Vec<u8>) -> Vec<u8> {
        let open = format!("{{\"{SEALED}\":\"");
        let Some(first) = find(&json, open.as_bytes()) else { return json };
        let mut out = Vec::with_capacity(json.len());
        let (mut rest, mut at) = (json.as_slice(), first);
        loop {
            let (before, sealed) = rest.split_at(at);
            out.extend_from_slice(before);
            let digits = sealed.get(open.len()..).unwrap_or_default();
            let end = digits.iter().position(|byte| *byte == b'"').unwrap_or(digits.len());
            let length = open.len() + end + "\"}".len();
            let (whole, behind) = sealed.split_at(length.min(sealed.len()));
            match SealedText::from_hex(&digits[..end]).map(|sealed| self.open(&sealed)) {
                Some(Opened::Text(text)) => {
                    let text = serde_json::to_vec(&text).expect("a string has a JSON form");
                    out.extend_from_slice(&text);
                }
                Some(Opened::Erased) => out.extend_from_slice(ERASED),
                Some(Opened::Unknown) | None => out.extend_from_slice(whole),
            }
            rest = behind;
            match find(rest, open.as_bytes()) {
                Some(next) => at = next,
                None => break,
            }
        }
        out.extend_from_slice(rest);
        out
    }
}

/// Where `needle` begins.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}
