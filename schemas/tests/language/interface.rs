//! The interface document is generated, checked in, and compared: `docs/asyncapi.json`.

use serde_json::Value;

use crate::files::{blessing, crate_folder, read, write};
use crate::json_schema::sorted;

#[test]
fn the_checked_in_interface_document_is_the_generated_one() {
    let path = crate_folder().join("../docs/asyncapi.json");
    let made = sorted(schemas::asyncapi::document());
    if blessing() {
        let text = serde_json::to_string_pretty(&made).expect("a document is JSON");
        write(&path, &format!("{text}\n"));
    }
    let checked_in: Value = serde_json::from_str(&read(&path)).unwrap_or_default();
    assert_eq!(checked_in, made, "docs/asyncapi.json differs; run scripts/bless");
}
