//! Fixed-offset little-endian fields, and the sector grid that frames lie on.

/// The lock's file name. The file is never removed: a second one would be a second lock.
pub(crate) const LOCK_FILE: &str = "lock";
/// The unit that a disk writes whole. Frames start on it, so that writing a block never touches a
/// sector that holds an acknowledged one.
pub(crate) const SECTOR: usize = 512;

/// [`SECTOR`] as a file offset.
pub(crate) const SECTOR_BYTES: u64 = SECTOR as u64;

/// `length` rounded up to whole sectors.
pub(crate) const fn padded(length: usize) -> usize {
    length.div_ceil(SECTOR) * SECTOR
}

/// A length in memory as a length in a file.
pub(crate) const fn file_length(length: usize) -> u64 {
    length as u64
}

/// Copies the field at `at` out of `bytes`.
pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// Copies `value` into the field at `at`.
pub(crate) fn set_field<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

/// Whether every byte is zero.
pub(crate) fn all_zero(bytes: &[u8]) -> bool {
    let mut words = bytes.chunks_exact(16);
    words.by_ref().all(|word| u128::from_ne_bytes(field(word, 0)) == 0)
        && words.remainder().iter().all(|byte| *byte == 0)
}
