//! The payload of an age file: chunks of 64 KiB, each sealed with its number and whether it is the
//! last.

use std::io::{self, Read, Write};

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use zeroize::Zeroizing;

use super::cipher;

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::from(nonce)
}

/// Seals what is written to it.
pub struct Sealing<W> {
    out: W,
    cipher: ChaCha20Poly1305,
    chunk: Zeroizing<Vec<u8>>,
    number: u64,
}

impl<W> std::fmt::Debug for Sealing<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealing")
    }
}

impl<W: Write> Sealing<W> {
    pub(super) fn new(out: W, key: &[u8; 32]) -> Self {
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK));
        Self { out, cipher: cipher(key), chunk, number: 0 }
    }

    fn put(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.cipher.encrypt(&nonce(self.number, last), self.chunk.as_slice());
        self.out.write_all(&sealed.map_err(|_| io::Error::other("a chunk cannot be sealed"))?)?;
        self.chunk.clear();
        self.number += 1;
        Ok(())
    }

    /// Writes the end. Without it the file cannot be opened.
    ///
    /// # Errors
    /// What the file says.
    pub fn finish(mut self) -> io::Result<W> {
        self.put(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits: only when more comes it is known not to be the last.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.put(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what is read from it.
pub struct Opening<R> {
    from: R,
    cipher: ChaCha20Poly1305,
    chunk: Zeroizing<Vec<u8>>,
    /// How much of the chunk was given.
    given: usize,
    number: u64,
    ended: bool,
}

impl<R> std::fmt::Debug for Opening<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening")
    }
}

impl<R: Read> Opening<R> {
    pub(super) fn new(from: R, key: &[u8; 32]) -> Self {
        let chunk = Zeroizing::new(Vec::new());
        Self { from, cipher: cipher(key), chunk, given: 0, number: 0, ended: false }
    }

    fn next(&mut self) -> io::Result<()> {
        let mut sealed = Vec::with_capacity(CHUNK + TAG);
        self.from.by_ref().take((CHUNK + TAG) as u64).read_to_end(&mut sealed)?;
        let opened = |last| self.cipher.decrypt(&nonce(self.number, last), sealed.as_slice()).ok();
        let (chunk, ended) = match opened(false) {
            Some(chunk) if sealed.len() == CHUNK + TAG => (chunk, false),
            Some(_) | None => {
                let Some(chunk) = opened(true) else {
                    let what = "the file was cut or changed";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                };
                (chunk, true)
            }
        };
        let behind = ended && self.from.read(&mut [0])? > 0;
        if behind || (ended && chunk.is_empty() && self.number > 0) {
            let what = "there is more behind the end of the file";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        (self.chunk, self.given, self.ended) = (Zeroizing::new(chunk), 0, ended);
        self.number += 1;
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.chunk.len() {
            if self.ended {
                return Ok(0);
            }
            self.next()?;
        }
        let left = &self.chunk[self.given..];
        let taken = left.len().min(into.len());
        into[..taken].copy_from_slice(&left[..taken]);
        self.given += taken;
        Ok(taken)
    }
}
