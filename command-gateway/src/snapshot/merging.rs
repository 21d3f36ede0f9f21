//! When small files are merged into larger ones.

/// How many of the last files are merged with a fresh one of `fresh` bytes, so that each file is
/// at least twice as large as the next one, and none becomes larger than `most`.
///
/// Hence all files together are less than twice as large as the first, and both their number and
/// how often a byte is written again grow with the logarithm of that.
pub(crate) fn to_merge(sizes: &[u64], fresh: u64, most: u64) -> usize {
    let mut sum = fresh;
    let mut merged = 0;
    for size in sizes.iter().rev() {
        if *size >= sum.saturating_mul(2) || sum.saturating_add(*size) > most {
            break;
        }
        sum = sum.saturating_add(*size);
        merged += 1;
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_few_and_the_first_is_most_of_them() {
        let (mut sizes, mut rewritten) = (Vec::new(), 0);
        for n in 1..=10_000_u64 {
            let fresh = 1 + n % 7;
            let kept = sizes.len() - to_merge(&sizes, fresh, u64::MAX);
            let merged: u64 = sizes.drain(kept..).sum();
            rewritten += merged;
            sizes.push(merged + fresh);
            assert!(sizes.len() < 18, "{sizes:?}");
            assert!(sizes.iter().sum::<u64>() < 2 * sizes[0], "{sizes:?}");
        }
        let all: u64 = sizes.iter().sum();
        assert!(rewritten < 16 * all, "{rewritten} bytes were written again for {all}");
    }

    #[test]
    fn no_file_grows_beyond_the_largest_size() {
        assert_eq!(to_merge(&[8, 8, 3], 4, 16), 2);
        assert_eq!(to_merge(&[8, 8, 3], 4, 14), 1);
        assert_eq!(to_merge(&[], 4, 1), 0);
    }
}
