//! An invoice as a page for people.

use client::Node;

use super::plain::facts;
use crate::table::{Rows, grouped, show};

/// The answer of `invoices.get`.
pub(super) fn invoice(data: &Node) -> String {
    let mut parts = vec![page(data)];
    let settlement = data.items_at("settlement");
    if !settlement.is_empty() {
        let mut table = Rows::new(["settled on", "by", ">balance changes by"]);
        for entry in settlement {
            table.push([
                entry.text_at("posting_date").to_owned(),
                words(entry.text_at("kind")),
                entry.get("amount").map(show).unwrap_or_default(),
            ]);
        }
        parts.push(table.text());
    }
    if let Some(next) = data.get("next_line").filter(|next| **next != Node::Null) {
        parts.push(format!("more lines follow: ask with after_line={}", show(next)));
    }
    parts.join("\n")
}

/// What a document shows: to whom, its lines and its sums.
pub(super) fn page(data: &Node) -> String {
    let empty = Node::Null;
    let head = data.get("invoice").unwrap_or(&empty);
    [heading(data, head), lines(data, head), sums(head)].join("\n")
}

fn heading(data: &Node, head: &Node) -> String {
    let text = |name: &str| head.get(name).map(show).unwrap_or_default();
    let mut fields = vec![
        ("Invoice".to_owned(), text("number")),
        ("To".to_owned(), text("customer_name")),
        ("Date".to_owned(), text("document_date")),
        ("Due".to_owned(), text("due_date")),
        ("Status".to_owned(), words(head.text_at("status"))),
        ("Id".to_owned(), text("invoice")),
    ];
    let said = |name: &str| data.get(name).map(show).unwrap_or_default();
    fields.push(("Order".to_owned(), said("purchase_order")));
    fields.push(("Memo".to_owned(), said("memo")));
    fields.retain(|(_, value)| !value.is_empty());
    if let Some(reason) = data.get("void_reason").and_then(Node::text) {
        fields.push(("Voided".to_owned(), reason.to_owned()));
    }
    facts(&fields)
}

fn lines(data: &Node, head: &Node) -> String {
    let currency = head.text_at("currency");
    let mut table = Rows::new([
        "#",
        "what",
        "days",
        ">quantity",
        ">unit price",
        ">part",
        ">gross",
        ">discount",
        ">net",
    ]);
    for line in data.items_at("lines") {
        let text = |name: &str| line.get(name).map(show).unwrap_or_default();
        let what = match line.text_at("kind") {
            "recurring" | "one_off" => line.text_at("description").to_owned(),
            kind => format!("{} ({})", line.text_at("description"), words(kind)),
        };
        table.push([
            text("line"),
            what,
            text("service"),
            grouped(&text("quantity")),
            line.get("unit_price").map(|price| grouped(&show(price))).unwrap_or_default(),
            text("ratio"),
            amount(line.get("gross")),
            discount(line),
            amount(line.get("net")),
        ]);
    }
    format!("{}\nAmounts in {currency}.", table.text())
}

fn discount(line: &Node) -> String {
    let parts = line.items_at("discounts");
    let amounts = parts.iter().map(|part| amount(part.get("amount")));
    amounts.collect::<Vec<_>>().join(" + ")
}

fn sums(head: &Node) -> String {
    const SUMS: [(&str, &str); 9] = [
        ("gross", "Gross"),
        ("discount", "Discount"),
        ("tax", "Tax"),
        ("total", "Total"),
        ("credit_applied", "From credit"),
        ("credit_generated", "To credit"),
        ("paid", "Paid"),
        ("credited", "Credited"),
        ("balance_due", "Due"),
    ];
    let wanted = |name: &str, value: &Node| {
        matches!(name, "total" | "balance_due") || value.minor() != Some(0)
    };
    let fields: Vec<_> = SUMS
        .iter()
        .filter_map(|(name, title)| {
            let value = head.get(name)?;
            wanted(name, value).then(|| ((*title).to_owned(), show(value)))
        })
        .collect();
    facts(&fields)
}

/// An amount without its currency, which stands once on the page.
fn amount(money: Option<&Node>) -> String {
    money.map(|money| grouped(money.text_at("amount"))).unwrap_or_default()
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_shows_lines_sums_and_settlement() {
        let money = |minor| {
            let money = schemas::Minor(minor).of("EUR".parse().expect("a currency"));
            serde_json::to_value(money).expect("writes")
        };
        let json = serde_json::json!({
            "invoice": {
                "number": "EUI-00007", "customer_name": "Ada", "currency": "EUR",
                "status": "partially_paid", "document_date": "2024-03-11",
                "due_date": "2024-03-25", "invoice": "inv_1", "gross": money(1_350),
                "discount": money(0), "tax": money(0), "total": money(1_350),
                "paid": money(350), "balance_due": money(1_000),
            },
            "lines": [
                {"line": 1, "kind": "proration_charge", "description": "Team",
                 "service": "2024-03-11/2024-04-01", "quantity": "12", "unit_price": "12.5",
                 "ratio": "21/31", "gross": money(10_161), "discounts": [], "net": money(10_161)},
                {"line": 2, "kind": "recurring", "description": "Starter", "quantity": "1",
                 "ratio": "1", "gross": money(2_900),
                 "discounts": [{"amount": money(290)}], "net": money(2_610)},
            ],
            "purchase_order": "PO 17", "memo": "Thank you",
            "settlement": [
                {"kind": "payment", "posting_date": "2024-03-20", "amount": money(-350)},
            ],
        });
        let expected = "\
Invoice  EUI-00007
To       Ada
Date     2024-03-11
Due      2024-03-25
Status   partially paid
Id       inv_1
Order    PO 17
Memo     Thank you
 #  what                     days                   quantity  unit price   part   gross  discount     net
──────────────────────────────────────────────────────────────────────────────────────────────────────────
 1  Team (proration charge)  2024-03-11/2024-04-01        12        12.5  21/31  101.61            101.61
 2  Starter                                                1                  1   29.00      2.90   26.10
──────────────────────────────────────────────────────────────────────────────────────────────────────────
Amounts in EUR.
Gross  13.50 EUR
Total  13.50 EUR
Paid   3.50 EUR
Due    10.00 EUR
 settled on  by       balance changes by
─────────────────────────────────────────
 2024-03-20  payment           -3.50 EUR
─────────────────────────────────────────";
        assert_eq!(invoice(&Node::of(&json)), expected);
    }
}
