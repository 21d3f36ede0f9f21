//! `nats keygen`: the key pair of a user.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nkeys::KeyPair;
use terminal::text;

use crate::exit::Failure;

/// Writes a fresh seed to a new file that only this user can read, and prints the public key.
///
/// # Errors
/// [`Failure::Io`] when the file is there already or cannot be written.
pub fn run(file: &Path) -> Result<(), Failure> {
    let pair = KeyPair::new_user();
    let seed = pair.seed().map_err(|error| Failure::Internal(format!("a fresh key: {error}")))?;
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = opened.and_then(|mut file| {
        file.write_all(seed.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| Failure::io(format!("{} cannot be written", file.display()), error))?;
    Ok(text(&pair.public_key())?)
}
