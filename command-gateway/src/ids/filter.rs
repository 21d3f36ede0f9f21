//! A filter that says of an id: surely not there, or perhaps.
//!
//! *Shape.* A Bloom filter in blocks of one cache line. An id chooses one block, and in it eight
//! bits, one in each of the block's eight words. With 16 bits an id about one new id in a thousand
//! is *perhaps*.
//! *Correctness.* An id that was put in is always *perhaps*. Clients choose ids, so the hash is
//! keyed with what they could not know when they sent them.

/// Bits for each id.
const BITS_AN_ID: u64 = 16;
/// Words of 64 bits in a block.
const WORDS: usize = 8;

/// A blocked Bloom filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    key: u64,
    words: Vec<u64>,
}

impl Filter {
    /// A filter for so many ids.
    pub fn with_room_for(ids: u64, key: u64) -> Self {
        let blocks = (ids * BITS_AN_ID).div_ceil(64 * WORDS as u64).max(1);
        let words = usize::try_from(blocks).unwrap_or(1) * WORDS;
        Self { key, words: vec![0; words] }
    }

    /// A filter from its bytes; `None` if they are not whole blocks.
    pub fn from_bytes(bytes: &[u8], key: u64) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        if words.is_empty() || !rest.is_empty() || words.len() % WORDS != 0 {
            return None;
        }
        let words = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        Some(Self { key, words })
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> u64 {
        self.words.len() as u64 * 8
    }

    /// Puts an id in.
    pub fn insert(&mut self, id: u128) {
        let (block, bits) = self.place(id);
        for (word, at) in self.words[block..block + WORDS].iter_mut().zip(bits) {
            *word |= 1 << at;
        }
    }

    /// `false`: the id was not put in. `true`: perhaps it was.
    pub fn may_hold(&self, id: u128) -> bool {
        let (block, bits) = self.place(id);
        self.words[block..block + WORDS].iter().zip(bits).all(|(word, at)| word & (1 << at) != 0)
    }

    /// Where the id's block starts, and its bit in each word.
    fn place(&self, id: u128) -> (usize, [u32; WORDS]) {
        let bytes = id.to_le_bytes();
        let half = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        let (low, high) = (half(0), half(8));
        let chosen = mixed(low ^ mixed(high ^ self.key));
        let blocks = (self.words.len() / WORDS) as u128;
        // The upper half of a product spreads the hash evenly over any number of blocks.
        let block = usize::try_from((u128::from(chosen) * blocks) >> 64).unwrap_or(0);
        let mut bits = mixed(chosen ^ 0x9E37_79B9_7F4A_7C15);
        let places = std::array::from_fn(|_| {
            let at = u32::try_from(bits & 63).unwrap_or(0);
            bits >>= 6;
            at
        });
        (block * WORDS, places)
    }
}

/// Spreads every bit over all (the finalizer of `SplitMix64`).
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_few_others_are() {
        for stride in [1, 1 << 20, 1 << 64] {
            let mut filter = Filter::with_room_for(20_000, 7);
            for n in 0..20_000 {
                filter.insert(n * stride);
            }
            assert!((0..20_000).all(|n| filter.may_hold(n * stride)));
            let wrong = (20_000..120_000).filter(|n| filter.may_hold(n * stride)).count();
            assert!(wrong < 300, "{wrong} of 100,000 new ids are perhaps there");
        }
    }

    #[test]
    fn a_filter_is_read_back_from_its_bytes_and_only_from_whole_blocks() {
        let mut filter = Filter::with_room_for(100, 7);
        filter.insert(5);
        let bytes = filter.to_bytes();
        assert_eq!(bytes.len() as u64, filter.bytes());
        assert_eq!(Filter::from_bytes(&bytes, 7), Some(filter));
        assert_eq!(Filter::from_bytes(&bytes[1..], 7), None);
        assert_eq!(Filter::from_bytes(&bytes[..56], 7), None);
        assert_eq!(Filter::from_bytes(&[], 7), None);
    }

    #[test]
    fn memory_is_two_bytes_an_id() {
        assert_eq!(Filter::with_room_for(1_000_000, 7).bytes(), 2_000_000);
    }
}
