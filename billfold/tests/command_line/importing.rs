//! `import purchases`.

use crate::workbench::Bench;

const FILE: &[u8] = b" customer_id  date number_of_cds  dollar_value\r\n\
    00002 19970112  5   77.00\r\n\
    00001 19970101  1   11.77\r\n\
    00002 19970112  5   77.00\r\n\
    00002 19970113  1   0.00\r\n";

fn import(bench: &Bench, content: &[u8]) -> crate::workbench::Ran {
    let file = bench.file("shop.txt", content);
    bench.run(&["import", "purchases", file.to_str().expect("UTF-8")])
}

#[test]
fn a_file_becomes_invoices_and_payments_and_twice_changes_nothing() {
    let bench = Bench::with_book();
    let once = import(&bench, FILE).json();
    assert_eq!((&once["rows"], &once["accepted"]), (&4.into(), &10.into()));
    let first = bench.run(&["verify"]).json();
    let again = import(&bench, FILE).json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &10.into()));
    let second = bench.run(&["verify"]).json();
    assert_eq!(first["merkle_root"], second["merkle_root"]);

    let summary = bench.run(&["query", "invoices", "summary"]).json();
    let figures = &summary["data"][0];
    assert_eq!((&figures["invoices"], &figures["zero_value"]), (&4.into(), &1.into()));
    assert_eq!(figures["total"]["amount"], "165.77");
    assert_eq!((&figures["units"], &figures["open_invoices"]), (&"12".into(), &0.into()));
    let list = ["query", "invoices", "list", "order=oldest_first", "--output", "jsonl"];
    let listed = bench.run(&list);
    let dates: Vec<String> = listed
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|row| format!("{} {}", row["number"], row["document_date"]).replace('"', ""))
        .collect();
    let expected = [
        "HIST-000001 1997-01-01",
        "HIST-000002 1997-01-12",
        "HIST-000003 1997-01-12",
        "HIST-000004 1997-01-13",
    ];
    assert_eq!(dates, expected);
    let by_external_id = bench.run(&["query", "balances", "get", "external_id=shop-00002"]);
    assert_eq!(by_external_id.json()["data"]["customer"]["invoices"], 3);
}

#[test]
fn bad_lines_are_reported_by_number_and_stop_nothing_else() {
    let bench = Bench::with_book();
    let ran =
        import(&bench, b"00001 19970101 1 11.77\n00001 1997 1 2.00\nx\n00001 19970102 1 3.00\n");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("line 2: "), "{}", ran.err);
    assert!(ran.err.contains("line 3: "), "{}", ran.err);
    let summary: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&summary["rows"], &summary["bad_lines"]), (&2.into(), &2.into()));
}

#[test]
fn a_purchase_before_the_customers_first_in_an_earlier_file_is_a_bad_line() {
    let bench = Bench::with_book();
    assert_eq!(import(&bench, b"00001 19970110 1 11.77\n").code, 0);
    let later = import(&bench, b"00001 19970110 1 11.77\n00001 19970101 1 5.00\n");
    assert_eq!(later.code, 1, "{}", later.out);
    assert!(later.err.contains("line 2: charge.add was refused"), "{}", later.err);
    assert!(!later.err.contains("line 1"), "{}", later.err);
    let summary = bench.run(&["query", "invoices", "summary"]).json();
    assert_eq!(summary["data"][0]["invoices"], 1);
}

#[test]
fn an_import_goes_through_a_running_server() {
    let bench = Bench::with_book();
    let server = bench.up();
    let once = import(&bench, FILE).json();
    assert_eq!(once["accepted"], 10);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_file_that_is_not_there_is_5() {
    let bench = Bench::with_book();
    assert_eq!(bench.run(&["import", "purchases", "/nonexistent", "--source", "x"]).code, 5);
}
