//! Bech32 (BIP 173) of 32 bytes, as age writes recipients and identities.

use zeroize::Zeroizing;

const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECK: usize = 6;

fn step(sum: u32, digit: u8) -> u32 {
    const FACTORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(digit);
    let set = FACTORS.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1);
    set.fold(next, |sum, (_, factor)| sum ^ factor)
}

fn checksum(prefix: &str, digits: impl Iterator<Item = u8>) -> u32 {
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    high.chain([0]).chain(low).chain(digits).fold(1, step)
}

/// The bits of `from`, regrouped: every `taken` bits of it become a digit of `given` bits.
fn regroup(from: &[u8], taken: u32, given: u32, pad: bool) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(from.len() * 2));
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mask = (1 << given) - 1;
    for digit in from {
        bits = (bits << taken | u32::from(*digit)) & 0xfff;
        held += taken;
        while held >= given {
            held -= given;
            out.push(u8::try_from(bits >> held & mask).expect("masked to at most 8 bits"));
        }
    }
    if pad && held > 0 {
        out.push(u8::try_from(bits << (given - held) & mask).expect("masked to at most 8 bits"));
    }
    out
}

/// The text of 32 bytes behind a prefix.
pub(super) fn encode(prefix: &str, bytes: &[u8; 32]) -> String {
    let digits = regroup(bytes, 8, 5, true);
    let sum = checksum(prefix, digits.iter().copied().chain([0; CHECK])) ^ 1;
    let check = (0..CHECK).rev().map(|place| (sum >> (5 * place) & 31) as u8);
    let digits = digits.iter().copied().chain(check);
    let text = digits.map(|digit| char::from(DIGITS[usize::from(digit)]));
    [prefix, "1"].into_iter().flat_map(str::chars).chain(text).collect()
}

/// Reads what [`encode`] wrote; `None` if it is anything else.
pub(super) fn decode(prefix: &str, text: &str) -> Option<[u8; 32]> {
    let text = text.strip_prefix(prefix)?.strip_prefix('1')?;
    let digit = |byte: u8| DIGITS.iter().position(|known| *known == byte);
    let digits = text.bytes().map(|byte| u8::try_from(digit(byte)?).ok());
    let digits = Zeroizing::new(digits.collect::<Option<Vec<u8>>>()?);
    if checksum(prefix, digits.iter().copied()) != 1 {
        return None;
    }
    let payload = digits.get(..digits.len().checked_sub(CHECK)?)?;
    let bytes = regroup(payload, 5, 8, false);
    // 256 bits are 51 digits and one bit more; the digits of the last are zero.
    (payload.len() == 52 && payload.last()?.is_multiple_of(16)).then_some(())?;
    bytes.as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_a_mistyped_text_is_refused() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 % 256).expect("small"));
        let text = encode("age", &bytes);
        assert_eq!((text.len(), decode("age", &text)), (62, Some(bytes)));
        assert_eq!(decode("age-secret-key-", &text), None);
        for at in 4..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
            let wrong = String::from_utf8(wrong).expect("ASCII");
            assert_eq!(decode("age", &wrong), None, "{wrong}");
        }
        assert_eq!(decode("age", "age1"), None);
    }
}
