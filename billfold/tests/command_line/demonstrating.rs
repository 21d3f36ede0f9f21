//! The demo and the tour of the README, as anyone would run them.

use std::process::Command;

use serde_json::Value;

use crate::workbench::Bench;

/// The answer under a heading of the demo.
fn answer<'a>(lines: &'a [Value], heading: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["heading"] == heading);
    &found.unwrap_or_else(|| panic!("no {heading}"))["answer"]["data"]
}

#[test]
fn the_demo_gives_the_files_totals_and_audits_itself() {
    let bench = Bench::new();
    let dir = bench.data();
    let dir = dir.to_str().expect("UTF-8");
    let ran = bench.run(&[
        "demo",
        "--dir",
        dir,
        "--customers",
        "40",
        "--months",
        "4",
        "--output",
        "jsonl",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();

    let whole = &answer(&lines, "The whole")[0];
    assert_eq!(whole["invoices"], 69_659);
    assert_eq!(whole["total"]["amount"], "2500315.63");
    assert_eq!((&whole["units"], &whole["zero_value"]), (&"167881".into(), &80.into()));
    assert_eq!(whole["open_invoices"], 0);
    assert_eq!(answer(&lines, "Customers and cash")["customers"], 23_570);
    let months = answer(&lines, "Month by month").as_array().expect("months");
    let march = months.iter().find(|month| month["month"] == "1997-03-01").expect("March 1997");
    assert_eq!(march["total"]["amount"], "393155.27");

    let audits: Vec<&Value> = lines.iter().filter(|line| line["verify"].is_object()).collect();
    assert_eq!(audits.len(), 2);
    for audit in audits {
        assert_eq!(audit["verify"]["laws"], "kept");
        for view in audit["replay"].as_array().expect("views") {
            assert_eq!(view["verdict"], "equal");
        }
    }
    let again = bench.run(&["demo", "--dir", dir]);
    assert_eq!(again.code, 1, "the folder is not empty any more");
}

#[test]
fn the_tour_runs_to_its_end() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/tour.sh");
    let ran = Command::new("bash")
        .arg(script)
        .env("BILLFOLD", env!("CARGO_BIN_EXE_billfold"))
        .output()
        .expect("bash runs");
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{out}\n{}", String::from_utf8_lossy(&ran.stderr));
    for said in ["Pro (proration charge)", "1 of 1 customers billed", "Due       25.32 EUR"] {
        assert!(out.contains(said), "{said} is missing in\n{out}");
    }
}
