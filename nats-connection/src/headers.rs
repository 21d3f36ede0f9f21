//! Headers of NATS and headers of messages: the same names, case and all.

use async_nats::HeaderMap;
use async_nats::header::HeaderValue;
use schemas::Problem;
use schemas::problem::Fault;
use schemas::wire::Headers;

/// The headers of a request.
///
/// # Errors
/// A problem for a header that is given several times with different values: nobody could say
/// which one is meant.
pub fn inward(map: Option<&HeaderMap>) -> Result<Headers, Problem> {
    let mut headers = Headers::new();
    for (name, values) in map.into_iter().flat_map(HeaderMap::iter) {
        let Some((first, others)) = values.split_first() else { continue };
        if others.iter().any(|other| other != first) {
            let name: String = name.to_string().chars().take(64).collect();
            let detail = format!("the header {name} is given several times with different values");
            return Err(Problem::fault(Fault::Malformed, detail + "; give it once"));
        }
        headers.insert(name.to_string(), first.to_string());
    }
    Ok(headers)
}

/// The headers of an answer; of several values the first.
pub fn of_answer(map: Option<&HeaderMap>) -> Headers {
    let pairs = map.into_iter().flat_map(HeaderMap::iter);
    pairs
        .filter_map(|(name, values)| Some((name.to_string(), values.first()?.to_string())))
        .collect()
}

/// Headers as NATS carries them.
///
/// # Errors
/// The name of a header that cannot stand in a line.
pub fn outward(headers: &Headers) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let value: HeaderValue = value.parse().map_err(|_| name.clone())?;
        let key: async_nats::HeaderName = name.parse().map_err(|_| name.clone())?;
        map.insert(key, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use schemas::wire::header;

    use super::*;

    #[test]
    fn names_keep_their_case_and_values_their_text() {
        let headers = Headers::from([
            (header::COMMAND_ID.to_owned(), "cmd_1".to_owned()),
            ("billfold-reason".to_owned(), "lower case is another header".to_owned()),
            (header::REASON.to_owned(), "naïve: yes".to_owned()),
            (header::TRACEPARENT.to_owned(), "00-0af7-b7-01".to_owned()),
        ]);
        let map = outward(&headers).expect("fits");
        assert_eq!(inward(Some(&map)), Ok(headers));
    }

    #[test]
    fn a_header_given_twice_is_taken_if_it_says_the_same_and_else_refused() {
        let mut map = HeaderMap::new();
        map.append(header::COMMAND_ID, "a");
        map.append(header::COMMAND_ID, "a");
        assert_eq!(inward(Some(&map)).expect("the same").len(), 1);
        map.append(header::COMMAND_ID, "b");
        let problem = inward(Some(&map)).expect_err("ambiguous");
        assert_eq!(problem.code, "malformed");
        assert!(problem.detail.contains(header::COMMAND_ID), "{}", problem.detail);
    }

    #[test]
    fn a_value_with_a_line_break_is_refused_not_sent() {
        let headers = Headers::from([(header::REASON.to_owned(), "a\r\nb".to_owned())]);
        assert_eq!(outward(&headers), Err(header::REASON.to_owned()));
    }
}
