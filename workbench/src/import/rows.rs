//! Lines of a purchase file.
//!
//! One header line, then one purchase a line: customer id, date `YYYYMMDD`, quantity, value,
//! separated by blanks. Lines may end in CR LF.

use std::collections::HashMap;

use schemas::text::Code;
use schemas::{Currency, Date, Decimal, Money};

/// One purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file, from 1.
    pub line: u64,
    /// The customer's id in the file.
    pub customer: Code,
    /// The day of the purchase.
    pub date: Date,
    /// How many units.
    pub quantity: Decimal,
    /// What was paid for all of them.
    pub value: Money,
    /// How many equal rows stand in front of it in the file.
    pub occurrence: u32,
}

/// A line that is no purchase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadLine {
    /// The line of the file, from 1.
    pub line: u64,
    /// What is wrong with it, and what should be there.
    pub why: String,
}

/// The purchases of a file, by date and then by line, and the lines that are none.
pub fn read(file: &[u8], currency: Currency) -> (Vec<Row>, Vec<BadLine>) {
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    let mut seen: HashMap<(Code, Date, Decimal, Money), u32> = HashMap::new();
    for (number, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let Ok(text) = std::str::from_utf8(line) else {
            bad.push(BadLine { line: number, why: "this is not UTF-8 text".to_owned() });
            continue;
        };
        if text.trim().is_empty() || (number == 1 && is_header(text)) {
            continue;
        }
        match row(number, text, currency) {
            Ok(mut row) => {
                let equal = (row.customer.clone(), row.date, row.quantity, row.value);
                let count = seen.entry(equal).or_insert(0);
                row.occurrence = *count;
                *count += 1;
                rows.push(row);
            }
            Err(why) => bad.push(BadLine { line: number, why }),
        }
    }
    rows.sort_by_key(|row| (row.date, row.line));
    (rows, bad)
}

/// A first line without any digit names the columns.
fn is_header(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_digit())
}

fn row(line: u64, text: &str, currency: Currency) -> Result<Row, String> {
    let columns: Vec<&str> = text.split_ascii_whitespace().collect();
    let [customer, date, quantity, value] = columns.as_slice() else {
        return Err(format!(
            "{} columns; write customer id, date YYYYMMDD, quantity and value",
            columns.len()
        ));
    };
    let quantity: Decimal = quantity.parse().map_err(|error| format!("the quantity: {error}"))?;
    if quantity.is_negative() {
        return Err(format!("the quantity {quantity} is negative; use zero or more"));
    }
    let value = Money::parse(value, currency).map_err(|error| format!("the value: {error}"))?;
    if value.minor().0 < 0 {
        return Err(format!("the value {value} is negative; use zero or more"));
    }
    Ok(Row {
        line,
        customer: customer.parse().map_err(|error| format!("the customer id: {error}"))?,
        date: day(date)?,
        quantity,
        value,
        occurrence: 0,
    })
}

fn day(text: &str) -> Result<Date, String> {
    let wrong = || {
        let text: String = text.chars().take(32).collect();
        format!("{text:?} is no date; write YYYYMMDD")
    };
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let (year, rest) = text.split_at(4);
    let (month, day) = rest.split_at(2);
    format!("{year}-{month}-{day}").parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd() -> Currency {
        "USD".parse().expect("a currency")
    }

    #[test]
    fn rows_come_by_date_and_equal_rows_are_counted() {
        let file = b" customer_id  date number_of_cds  dollar_value\r\n\
            00002 19970112  5   77.00\r\n\
            00001 19970101  1   11.77\r\n\
            00002 19970112  5   77.00\r\n\
            00002 19970112  1   12.00\r\n";
        let (rows, bad) = read(file, usd());
        assert_eq!(bad, []);
        let read: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.customer.as_str(), row.value.amount(), row.occurrence))
            .collect();
        let amount = str::to_owned;
        assert_eq!(
            read,
            [
                (3, "00001", amount("11.77"), 0),
                (2, "00002", amount("77.00"), 0),
                (4, "00002", amount("77.00"), 1),
                (5, "00002", amount("12.00"), 0),
            ]
        );
        assert_eq!(rows[0].date.to_string(), "1997-01-01");
    }

    #[test]
    fn a_bad_line_is_named_and_stops_nothing_else() {
        let file = b"00001 19970101 1 11.77\n\
            00001 19970101 1\n\
            00001 19970230 1 1.00\n\
            00001 19970101 x 1.00\n\
            00001 19970101 1 1.005\n\
            00001 19970101 1 -1.00\n\
            00001 19970101 -1 1.00\n\
            0\xff1 19970101 1 1.00\n\
            a/b 19970101 1 1.00\n\
            00001 19970102 1 0.00";
        let (rows, bad) = read(file, usd());
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 10]);
        assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8, 9]);
        let said: Vec<String> = bad.iter().take(2).map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "line 2: 3 columns; write customer id, date YYYYMMDD, quantity and value",
                "line 3: \"19970230\" is no date; write YYYYMMDD",
            ]
        );
    }

    #[test]
    fn the_file_in_the_repository_is_read_whole() {
        let (rows, bad) = read(crate::demo::PURCHASES, usd());
        assert_eq!(bad, []);
        assert_eq!(rows.len(), 69_659);
        let minor: i64 = rows.iter().map(|row| row.value.minor().0).sum();
        assert_eq!(minor, 250_031_563);
        let customers: std::collections::BTreeSet<_> =
            rows.iter().map(|row| row.customer.clone()).collect();
        assert_eq!(customers.len(), 23_570);
    }
}
