//! Writing a file that nobody reads before it is whole.

use std::io;

use event_log::{Disk, DiskFile, Hash};
use sha2::{Digest, Sha256};

/// Bytes are written and synced so many at a time: one large sync would hold up those of the log.
const CHUNK: usize = 512 * 1024;

/// A new file, written from its start to its end.
pub(crate) struct Sink {
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    written: u64,
    hash: Sha256,
}

impl Sink {
    /// Makes the file; one of that name, left over from an attempt that was cut short, is removed.
    pub(crate) fn create(disk: &dyn Disk, name: &str) -> io::Result<Self> {
        let file = match disk.create(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove(name)?;
                disk.create(name)?
            }
            made => made?,
        };
        Ok(Self { file, buffer: Vec::new(), written: 0, hash: Sha256::new() })
    }

    /// Appends bytes.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Makes everything durable; the length and the hash of all bytes.
    pub(crate) fn finish(mut self) -> io::Result<(u64, Hash)> {
        self.flush()?;
        Ok((self.written, self.hash.finalize().into()))
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.write_at(&self.buffer, self.written)?;
        self.file.sync_data()?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
