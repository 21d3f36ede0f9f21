//! What a commit did to prices and to what was scheduled, in lines.

use client::Node;

use crate::table::show;

/// One line for each subscription, or for a migration; none where nothing was done to them.
pub(super) fn changed(document: &Node) -> Vec<String> {
    document.items_at("changed").iter().map(line).collect()
}

fn line(one: &Node) -> String {
    let words = |name: &str| one.items_at(name).iter().map(show).collect::<Vec<_>>();
    let mut parts: Vec<String> = one.items_at("mapped").iter().map(mapping).collect();
    parts.extend(words("started").iter().map(|price| format!("{price} begins")));
    parts.extend(words("ended").iter().map(|price| format!("{price} ends")));
    match words("withdrawn").as_slice() {
        [] => {}
        [change] => parts.push(format!("scheduled change {change} is withdrawn")),
        many => parts.push(format!("scheduled changes {} are withdrawn", many.join(", "))),
    }
    if let Some(from) = one.get("ramp_withdrawn_from").and_then(Node::text) {
        parts.push(format!("phases from {from} on are withdrawn"));
    }
    let subject = ["subscription", "plan"].into_iter().find_map(|name| one.get(name)?.text());
    format!("{}: {}", subject.unwrap_or_default(), parts.join(", "))
}

fn mapping(mapping: &Node) -> String {
    let (from, to) = (mapping.text_at("from"), mapping.text_at("to"));
    match to {
        "" => format!("{from} ends"),
        to if to == from => format!("{from} stays"),
        to => format!("{from} becomes {to}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_of_plan_is_a_line() {
        let document = json!({"changed": [{
            "subscription": "sub_1", "mapped": [{"from": "fee", "to": "base"},
            {"from": "seat", "to": "seat"}], "started": ["care"], "ended": ["chat"],
            "withdrawn": [2, 3], "ramp_withdrawn_from": "2026-02-01T00:00:00Z",
        }]});
        let expected = "sub_1: fee becomes base, seat stays, care begins, chat ends, scheduled \
            changes 2, 3 are withdrawn, phases from 2026-02-01T00:00:00Z on are withdrawn";
        assert_eq!(changed(&Node::of(&document)), [expected]);
        assert_eq!(changed(&Node::of(&json!({}))), Vec::<String>::new());
    }
}
