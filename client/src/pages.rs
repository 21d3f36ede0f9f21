//! Every page of a list.

use schemas::wire::Headers;
use serde_json::{Map, Value};

use crate::ask::{Ask, AskError};
use crate::node::Node;

/// Asks for every page of a list and shows each to `each`; gives the last one.
///
/// # Errors
/// As [`Ask::query`], and what `each` says.
pub fn pages<E: From<AskError>>(
    door: &impl Ask,
    view: &str,
    name: &str,
    headers: &Headers,
    mut question: Map<String, Value>,
    mut each: impl FnMut(&Node) -> Result<(), E>,
) -> Result<Node, E> {
    loop {
        let page = door.query(view, name, headers.clone(), &Value::Object(question.clone()))?;
        each(&page)?;
        let next = page.get("next").and_then(Node::text).map(str::to_owned);
        match (page.get("has_more"), next) {
            (Some(Node::Bool(true)), Some(next)) => {
                question.insert("after".to_owned(), Value::String(next));
            }
            _ => return Ok(page),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use schemas::wire::Endpoint;

    use super::*;

    /// Three pages of one item.
    #[derive(Default)]
    struct Paged(RefCell<Vec<Value>>);

    impl Ask for Paged {
        fn ask(&self, _: Endpoint, _: Headers, body: Vec<u8>) -> Result<Vec<u8>, AskError> {
            let asked: Value = serde_json::from_slice(&body).expect("JSON");
            let number = self.0.borrow().len();
            self.0.borrow_mut().push(asked);
            let page = serde_json::json!({
                "data": [{"n": number}], "has_more": number < 2,
                "next": (number < 2).then(|| format!("c{number}")), "position": "ab:9",
            });
            Ok(page.to_string().into_bytes())
        }
    }

    #[test]
    fn cursors_are_followed_to_the_last_page() {
        let door = Paged::default();
        let mut seen = Vec::new();
        let headers = Headers::new();
        let last = pages(&door, "invoices", "list", &headers, Map::new(), |page| {
            seen.extend(page.items_at("data").iter().filter_map(|item| item.get("n")?.integer()));
            Ok::<(), AskError>(())
        });
        assert_eq!(seen, [0, 1, 2]);
        assert_eq!(last.expect("answered").text_at("position"), "ab:9");
        let asked = door.0.into_inner();
        assert_eq!(asked[2], serde_json::json!({"after": "c1"}));
    }
}
