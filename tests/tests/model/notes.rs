//! Credits that leave as notes.

use crate::bill::is_worth;
use crate::civil::day_of_seller;
use crate::customer::{Customer, Document, Line, Origin, When};
use crate::lots::{new_lot, release};
use crate::rules::{CreditDocument, Rules};

/// Credits that leave as notes, and those that stand on the invoice.
pub(crate) fn split(
    rules: &Rules,
    credits: Vec<(Line, bool)>,
    lines: &[Line],
) -> (Vec<Line>, Vec<Line>) {
    let worth = |(line, _): &(Line, bool)| is_worth(line);
    let credits: Vec<(Line, bool)> = credits.into_iter().filter(worth).collect();
    let all = |of: Vec<(Line, bool)>| of.into_iter().map(|(line, _)| line).collect::<Vec<_>>();
    match rules.credit_document() {
        CreditDocument::InvoiceLine => (Vec::new(), all(credits)),
        CreditDocument::CreditNote => (all(credits), Vec::new()),
        CreditDocument::NoteWhenAlone => {
            let (alone, beside): (Vec<_>, Vec<_>) =
                credits.into_iter().partition(|(_, alone)| *alone);
            let total = lines.iter().map(Line::net).sum::<i128>()
                + beside.iter().map(|(line, _)| line.net()).sum::<i128>();
            if total < 0 {
                return (all(alone.into_iter().chain(beside).collect()), Vec::new());
            }
            (all(alone), all(beside))
        }
    }
}

/// A note is issued.
pub(crate) fn issue_note(customer: &mut Customer, place: usize, parts: Vec<(usize, i128)>) {
    customer.notes += 1;
    customer.issued.push(Document::Note(place, parts));
}

/// One note for each invoice that is credited.
pub(crate) fn note(customer: &mut Customer, credits: &[Line], when: When) {
    let mut places: Vec<usize> = credits.iter().filter_map(|c| c.credits).map(|at| at.0).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let mut parts: std::collections::BTreeMap<usize, i128> = std::collections::BTreeMap::new();
        for credit in credits {
            if let Some((invoice, line)) = credit.credits
                && invoice == place
            {
                *parts.entry(line).or_default() -= credit.net();
            }
        }
        // A note gives time back, also where discounts have left nothing of it to pay.
        let worth = |credit: &&Line| credit.gross != 0;
        if !credits.iter().filter(worth).any(|c| c.credits.is_some_and(|at| at.0 == place)) {
            continue;
        }
        customer.invoices[place].has_notes = true;
        parts.retain(|_, amount| *amount != 0);
        let total: i128 = parts.values().sum();
        customer.invoices[place].noted += total;
        for (line, amount) in &parts {
            customer.line_mut((place, *line)).by_notes += amount;
        }
        issue_note(customer, place, parts.into_iter().collect());
        release(customer, place);
        beyond_what_was_asked(customer, place, when);
    }
}

/// Credits on an invoice had paid it in part: what a note takes beyond what it asked is credit.
pub(crate) fn beyond_what_was_asked(customer: &mut Customer, place: usize, when: When) {
    let beyond = -customer.invoices[place].open();
    if beyond > 0 {
        customer.invoices[place].noted -= beyond;
        let arose = day_of_seller(when.effective).max(customer.invoices[place].dated);
        new_lot(customer, Origin::Note(customer.notes - 1), beyond, arose);
    }
}
