//! Base64 without padding (RFC 4648), as age's headers have it.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of some bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut whole = [0; 4];
        whole[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(whole);
        for place in 0..=group.len() {
            let digit = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(char::from(DIGITS[digit]));
        }
    }
    text
}

/// Reads what [`encode`] wrote; `None` if it is anything else.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (place, byte) in group.iter().enumerate() {
            let digit = DIGITS.iter().position(|known| known == byte)?;
            bits |= u32::try_from(digit).ok()? << (18 - 6 * place);
        }
        let whole = bits.to_be_bytes();
        let (given, rest) = whole[1..].split_at(group.len() - 1);
        // A text has one form: bits that are left over are zero.
        if group.len() == 1 || rest.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(given);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_come_out_and_back() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        for wrong in ["Zg==", "Zh", "Zm9", "Z", "Zm 9"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
