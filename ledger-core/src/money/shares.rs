//! Sharing an amount over parts. Amounts are minor units, kept wide so that products fit.
//!
//! For all of them: `whole` is the sum of `parts`, no part is negative, and
//! `0 <= amount <= whole`. The shares come in the order of the parts and sum to `amount`.

/// In proportion; the largest remainders get what is left over, the earlier part on a tie.
pub(crate) fn largest_remainder(amount: i128, whole: i128, parts: &[i128]) -> Vec<i128> {
    let mut shares = floors(amount, whole, parts);
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| (-(amount * parts[*at] % whole), *at));
    let missing = amount - shares.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(missing).unwrap_or(usize::MAX)) {
        shares[at] += 1;
    }
    shares
}

/// In proportion, rounded down; what is left over goes to the last part, and to those before it
/// as far as it has no room.
pub(crate) fn last_gets_residue(amount: i128, whole: i128, parts: &[i128]) -> Vec<i128> {
    let mut shares = floors(amount, whole, parts);
    let mut missing = amount - shares.iter().sum::<i128>();
    for (share, room) in shares.iter_mut().zip(parts).rev() {
        let more = missing.min(room - *share);
        *share += more;
        missing -= more;
    }
    shares
}

/// The first part first, as far as it goes.
pub(crate) fn waterfall(amount: i128, parts: &[i128]) -> Vec<i128> {
    let mut rest = amount;
    parts
        .iter()
        .map(|room| {
            let share = rest.min(*room);
            rest -= share;
            share
        })
        .collect()
}

fn floors(amount: i128, whole: i128, parts: &[i128]) -> Vec<i128> {
    parts.iter().map(|part| amount * part / whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_the_amount_and_fit_their_parts() {
        let parts = [333, 333, 334, 0, 1];
        let whole = 1_001;
        for amount in [0, 1, 2, 500, 999, 1_000, 1_001] {
            for shares in [
                largest_remainder(amount, whole, &parts),
                last_gets_residue(amount, whole, &parts),
                waterfall(amount, &parts),
            ] {
                assert_eq!(shares.iter().sum::<i128>(), amount);
                let fits =
                    shares.iter().zip(&parts).all(|(share, part)| (0..=*part).contains(share));
                assert!(fits, "{amount}: {shares:?}");
            }
        }
    }

    #[test]
    fn the_earlier_part_wins_a_tie_and_the_last_one_takes_the_residue() {
        assert_eq!(largest_remainder(100, 300, &[100, 100, 100]), [34, 33, 33]);
        assert_eq!(last_gets_residue(100, 300, &[100, 100, 100]), [33, 33, 34]);
        assert_eq!(waterfall(150, &[100, 100, 100]), [100, 50, 0]);
    }
}
