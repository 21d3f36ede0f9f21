//! Files for escrow in the age format (<https://age-encryption.org/v1>), for X25519 recipients.
//!
//! The crate `age` brings more than 80 others (translations, post-quantum drafts, `rust-embed`);
//! what is used of the format is small. `age -d` opens what is written here, and what `age -r`
//! writes can be read.

mod bech32;
mod stream;

use std::fmt::Write as _;
use std::io::{self, BufRead, Read, Write};

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use curve25519_dalek::MontgomeryPoint;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::base64;
use crate::key::random;
use crate::place::VaultError;

pub use stream::{Opening, Sealing};

const VERSION: &str = "age-encryption.org/v1";
const X25519: &str = "age-encryption.org/v1/X25519";
const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";
/// The longest header that is read, in bytes.
const MAX_HEADER: usize = 64 * 1024;

/// A text that is no recipient or no identity. It does not say the text, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no {what} of age; it begins with {begins} and has {length} characters")]
pub struct NotAge {
    what: &'static str,
    begins: &'static str,
    length: usize,
}

/// Whom a file is for: `age1…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

impl std::str::FromStr for Recipient {
    type Err = NotAge;

    fn from_str(text: &str) -> Result<Self, NotAge> {
        let wrong = NotAge { what: "recipient", begins: "age1", length: 62 };
        bech32::decode(RECIPIENT, text).map(Self).ok_or(wrong)
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&bech32::encode(RECIPIENT, &self.0))
    }
}

/// Who can open a file: `AGE-SECRET-KEY-1…`. Its bytes are wiped when it is dropped.
pub struct Identity(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl std::str::FromStr for Identity {
    type Err = NotAge;

    /// Reads the line of an identity file that holds it; lines that begin with `#` are passed over.
    fn from_str(text: &str) -> Result<Self, NotAge> {
        let wrong = NotAge { what: "identity", begins: "AGE-SECRET-KEY-1", length: 74 };
        let line =
            text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let line = Zeroizing::new(line.ok_or(wrong)?.to_ascii_lowercase());
        bech32::decode(IDENTITY, &line).map(|bytes| Self(Zeroizing::new(bytes))).ok_or(wrong)
    }
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// [`VaultError::Randomness`].
    pub fn random() -> Result<Self, VaultError> {
        random().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The line of an identity file.
    pub fn to_line(&self) -> Zeroizing<String> {
        Zeroizing::new(bech32::encode(IDENTITY, &self.0).to_ascii_uppercase())
    }

    /// Whom to write files for that this one opens.
    pub fn recipient(&self) -> Recipient {
        Recipient(MontgomeryPoint::mul_base_clamped(*self.0).0)
    }

    /// The file key in a stanza, if it is for this one.
    fn file_key(&self, share: [u8; 32], body: &[u8]) -> Option<FileKey> {
        let shared = Zeroizing::new(MontgomeryPoint(share).mul_clamped(*self.0).0);
        let key = wrap_key(&shared, &share, &self.recipient())?;
        let opened = Zeroizing::new(cipher(&key).decrypt(&Nonce::default(), body).ok()?);
        opened.as_slice().try_into().ok().map(FileKey::new)
    }
}

type FileKey = Zeroizing<[u8; 16]>;

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&(*key).into())
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// HKDF-SHA-256 (RFC 5869), 32 bytes.
fn hkdf(secret: &[u8], salt: &[u8], info: &str) -> Zeroizing<[u8; 32]> {
    mac(mac(salt, &[secret]).as_slice(), &[info.as_bytes(), &[1]])
}

/// The key that wraps a file key; `None` for a share that agrees on nothing.
fn wrap_key(
    shared: &[u8; 32],
    share: &[u8; 32],
    recipient: &Recipient,
) -> Option<Zeroizing<[u8; 32]>> {
    let salt = [share.as_slice(), &recipient.0].concat();
    (*shared != [0; 32]).then(|| hkdf(shared, &salt, X25519))
}

/// Begins a file for these recipients. What is written to the answer is sealed; finish it.
///
/// # Errors
/// No randomness, a recipient that is no point, or what `out` says.
pub fn seal<W: Write>(mut out: W, recipients: &[Recipient]) -> io::Result<Sealing<W>> {
    let other = |error: VaultError| io::Error::other(error);
    let file_key = FileKey::new(random().map_err(other)?);
    let mut header = format!("{VERSION}\n");
    for recipient in recipients {
        let secret = Zeroizing::new(random::<32>().map_err(other)?);
        let share = MontgomeryPoint::mul_base_clamped(*secret).0;
        let shared = Zeroizing::new(MontgomeryPoint(recipient.0).mul_clamped(*secret).0);
        let key = wrap_key(&shared, &share, recipient)
            .ok_or_else(|| io::Error::other("a recipient is no public key"))?;
        let body = cipher(&key).encrypt(&Nonce::default(), file_key.as_slice());
        let body = body.expect("a file key can be wrapped");
        let (share, body) = (base64::encode(&share), base64::encode(&body));
        writeln!(header, "-> X25519 {share}\n{body}").expect("a string takes everything");
    }
    header.push_str("---");
    let tag = mac(hkdf(file_key.as_slice(), &[], "header").as_slice(), &[header.as_bytes()]);
    writeln!(out, "{header} {}", base64::encode(tag.as_slice()))?;
    let nonce = random::<16>().map_err(other)?;
    out.write_all(&nonce)?;
    Ok(Sealing::new(out, &hkdf(file_key.as_slice(), &nonce, "payload")))
}

/// Opens a file with an identity.
///
/// # Errors
/// A file that is not of this format, is not for this identity or was changed; what `from` says.
pub fn open<R: BufRead>(mut from: R, identity: &Identity) -> io::Result<Opening<R>> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut header = String::new();
    let mut found = None;
    let tag = loop {
        let line = read_line(&mut from, &mut header)?;
        if let Some(tag) = line.strip_prefix("--- ") {
            break tag.to_owned();
        }
        let Some(share) = line.strip_prefix("-> X25519 ") else { continue };
        let share = base64::decode(share).and_then(|bytes| bytes.try_into().ok());
        let body = read_line(&mut from, &mut header)?;
        let body = base64::decode(&body);
        let (Some(share), Some(body)) = (share, body) else {
            return Err(damaged("a stanza of the file cannot be read"));
        };
        found = found.or_else(|| identity.file_key(share, &body));
    };
    if !header.starts_with(VERSION) {
        return Err(damaged("this is no file of age"));
    }
    let file_key = found.ok_or_else(|| damaged("the file is not for this identity"))?;
    let covered = &header[..header.len() - tag.len() - " \n".len()];
    let expected = mac(hkdf(file_key.as_slice(), &[], "header").as_slice(), &[covered.as_bytes()]);
    if base64::decode(&tag).as_deref() != Some(expected.as_slice()) {
        return Err(damaged("the file's head was changed"));
    }
    let mut nonce = [0; 16];
    from.read_exact(&mut nonce)?;
    Ok(Opening::new(from, &hkdf(file_key.as_slice(), &nonce, "payload")))
}

/// The next line of the header without its end, which is added to what was read of it.
fn read_line(from: &mut impl BufRead, header: &mut String) -> io::Result<String> {
    let start = header.len();
    let left = (MAX_HEADER - start.min(MAX_HEADER)) as u64;
    from.by_ref().take(left).read_line(header)?;
    match header[start..].strip_suffix('\n') {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "this is no file of age")),
    }
}
