//! A block's body: for each commit its length and its bytes.

/// The most bytes a block's body may have.
pub const MAX_BODY_BYTES: usize = 768 * 1024;
/// The most bytes a commit may have.
pub const MAX_COMMIT_BYTES: usize = 256 * 1024;
/// Bytes in front of each commit in the body.
pub(crate) const COMMIT_PREFIX_BYTES: usize = 4;

/// The commits of a block with their positions, in order.
#[derive(Debug, Clone)]
pub struct Commits<'a> {
    body: &'a [u8],
    position: u64,
}

impl<'a> Commits<'a> {
    pub(crate) fn new(body: &'a [u8], position: u64) -> Self {
        Self { body, position }
    }

    /// How many commits there are; `None` if they do not fill the body exactly.
    pub(crate) fn count_whole(body: &'a [u8]) -> Option<usize> {
        let mut commits = Self::new(body, 0);
        let count = commits.by_ref().count();
        commits.body.is_empty().then_some(count)
    }
}

impl<'a> Iterator for Commits<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (prefix, rest) = self.body.split_first_chunk::<COMMIT_PREFIX_BYTES>()?;
        let length = u32::from_le_bytes(*prefix) as usize;
        if length == 0 || length > MAX_COMMIT_BYTES {
            return None;
        }
        let (commit, rest) = rest.split_at_checked(length)?;
        self.body = rest;
        let position = self.position;
        self.position += 1;
        Some((position, commit))
    }
}
