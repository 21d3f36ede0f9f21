//! Small bar charts of a terminal.

/// Eighths of a block, from one to seven.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Bars for amounts, the longest `width` characters long; nothing for what is not positive.
///
/// Amounts are whole numbers: a chart needs no exactness, but integers are never wrong.
pub fn bars(amounts: &[i64], width: usize) -> Vec<String> {
    let longest = amounts.iter().copied().max().unwrap_or(0).max(1);
    amounts.iter().map(|amount| bar(*amount, longest, width)).collect()
}

fn bar(amount: i64, longest: i64, width: usize) -> String {
    let share = i128::from(amount.max(0)) * i128::try_from(width * 8).unwrap_or(0);
    let eighths = usize::try_from(share / i128::from(longest)).unwrap_or(0);
    let mut bar = "█".repeat(eighths / 8);
    if let Some(part) = (eighths % 8).checked_sub(1) {
        bar.push(EIGHTHS[part]);
    }
    if bar.is_empty() && amount > 0 {
        bar.push(EIGHTHS[0]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_full_and_the_rest_are_in_proportion() {
        let shown = bars(&[80, 40, 35, 1, 0, -5], 10);
        assert_eq!(shown, ["██████████", "█████", "████▍", "▏", "", ""]);
    }

    #[test]
    fn amounts_of_any_size_have_bars() {
        assert_eq!(bars(&[i64::MAX, i64::MIN], 3), ["███", ""]);
        assert!(bars(&[], 3).is_empty());
    }
}
