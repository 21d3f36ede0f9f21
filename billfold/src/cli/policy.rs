//! Flags that say what a book bills by.

use std::collections::BTreeMap;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use schemas::Timestamp;
use schemas::command::OpenBook;
use schemas::terms::{BookClock, Policies, Profile};
use schemas::text::{BookName, Code};

use crate::exit::Failure;

/// One policy by name, and the rule that replaces the profile's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    policy: Code,
    rule: Code,
}

/// Reads `lago@1`.
pub(super) fn profile() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::ALL.iter().map(|profile| profile.name())).try_map(|name| {
        let found = Profile::ALL.iter().find(|profile| profile.name() == name);
        found.copied().ok_or_else(|| format!("no profile {name:?}"))
    })
}

/// Reads `proration=by_second`.
///
/// # Errors
/// A sentence that names what there is.
pub(super) fn policy(word: &str) -> Result<Replaced, String> {
    let (policy, rule) = word.split_once('=').ok_or_else(|| {
        let known: Vec<_> = Policies::NAMES.iter().map(|(name, _)| *name).collect();
        format!("write NAME=RULE; the policies are {}", known.join(", "))
    })?;
    let Some((_, rules)) = Policies::NAMES.iter().find(|(name, _)| *name == policy) else {
        let known: Vec<_> = Policies::NAMES.iter().map(|(name, _)| *name).collect();
        return Err(format!("no policy {policy:?}; there are {}", known.join(", ")));
    };
    if !rules.contains(&rule) {
        return Err(format!("{policy} has no rule {rule:?}; there are {}", rules.join(", ")));
    }
    let code = |word: &str| word.parse::<Code>().map_err(|error| error.to_string());
    Ok(Replaced { policy: code(policy)?, rule: code(rule)? })
}

/// How a command line wants a book to be opened.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// The profile; the usual one if left out.
    pub profile: Option<Profile>,
    /// Policies that are replaced.
    pub policies: Vec<Replaced>,
    /// A test book's clock.
    pub test_clock: Option<Timestamp>,
}

impl Opening {
    /// A profile or a policy was asked for.
    pub fn asks_for_policies(&self) -> bool {
        self.profile.is_some() || !self.policies.is_empty()
    }

    /// The profile, or the usual one.
    pub fn profile(&self) -> Profile {
        self.profile.unwrap_or(Profile::Billfold1)
    }

    /// Everything that the book would bill by.
    ///
    /// # Errors
    /// [`Failure::Usage`] when one policy is given two rules.
    pub fn policies(&self) -> Result<Policies, Failure> {
        let replaced = self.replaced()?;
        let policies = self.profile().with(&replaced);
        policies.map_err(|error| Failure::Usage(error.to_string()))
    }

    fn replaced(&self) -> Result<BTreeMap<Code, Code>, Failure> {
        let mut all = BTreeMap::new();
        for Replaced { policy, rule } in &self.policies {
            if let Some(first) = all.insert(policy.clone(), rule.clone()) {
                let (policy, first, rule) = (policy.as_str(), first.as_str(), rule.as_str());
                return Err(Failure::Usage(format!(
                    "--policy {policy} is given as {first} and as {rule}; give it once"
                )));
            }
        }
        Ok(all)
    }

    /// The command that opens the book.
    ///
    /// # Errors
    /// As [`Opening::policies`].
    pub fn command(&self, book: &BookName) -> Result<OpenBook, Failure> {
        let replaced = self.replaced()?;
        Ok(OpenBook {
            book: book.clone(),
            profile: self.profile(),
            policies: (!replaced.is_empty()).then_some(replaced),
            clock: self.test_clock.map_or(BookClock::Wall, BookClock::Test),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_not_is_refused_with_what_there_is() {
        for (wrong, said) in [
            ("proration", "write NAME=RULE"),
            ("colour=red", "there are proration, ratio"),
            ("ratio=red", "there are exact, ratio_9dp"),
        ] {
            let refused = policy(wrong).expect_err("refused");
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn a_policy_with_two_rules_is_refused() {
        let read = |word| policy(word).expect("reads");
        let policies = vec![read("ratio=exact"), read("ratio=ratio_9dp")];
        let opening = Opening { policies, ..Opening::default() };
        assert_eq!(opening.policies().expect_err("refused").code(), 2);
    }
}
