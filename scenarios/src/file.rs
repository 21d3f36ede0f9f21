//! A scenario file: one scenario, or several as YAML documents.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::command::OpenBook;
use schemas::terms::{BookClock, Policies, Profile};
use schemas::text::{BookName, Code};
use schemas::{Currency, Timestamp, ZoneName};

use crate::case::Case;
use crate::clock::Clock;
use crate::expect::Subject;
use crate::fields::Fields;
use crate::names::{Head, Names};
use crate::steps::{Act, Around, Step, read};
use crate::trouble::{Place, Trouble};
use crate::verbs::Verb;
use crate::yaml::{Value, Yaml, parse};

/// A test clock without a first step's time starts here.
const EARLY: &str = "2020-01-01T00:00:00Z";
/// The command that registers customers.
const REGISTER: &str = "customer.register";
/// Days to pay, unless the file or a customer says otherwise.
const PAYMENT_TERMS: u16 = 30;

/// Rules that have a name elsewhere and that billfold always keeps.
const ALWAYS: [&str; 1] = ["clamp_keep_anchor"];

/// A scenario that can be run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name; ids of the book are derived from it.
    pub id: String,
    /// The policies of the book.
    pub profile: Profile,
    /// Policies that are replaced, with their rules.
    pub policies: Vec<(&'static str, String)>,
    /// The book's zone: the seller's, and of customers that do not say.
    pub zone: ZoneName,
    /// The currency of customers that do not say.
    pub currency: Currency,
    /// The alias of the seller.
    pub entity: String,
    /// Days to pay.
    pub payment_terms: u16,
    /// What the test clock shows first.
    pub start: Timestamp,
    /// What happens.
    pub steps: Vec<Step>,
}

/// Where cases are found.
#[derive(Debug, Clone, Copy)]
pub struct Cases<'a> {
    /// The case of scenarios that name none.
    pub named: Option<&'a str>,
    /// The folder of cases that a scenario names.
    pub folder: &'a Path,
}

/// A scenario with its name, or why it cannot be run.
pub type Read = (String, Result<Scenario, Trouble>);

/// The scenarios of a file. One that cannot be run does not keep the others from it.
///
/// # Errors
/// [`Trouble`] where the file is no YAML.
pub fn scenarios(text: &str, cases: Cases<'_>) -> Result<Vec<Read>, Trouble> {
    let documents = parse(text)
        .map_err(|error| Trouble::wrong(Place { step: None, line: error.line }, error.why))?;
    if documents.is_empty() {
        let place = Place { step: None, line: 1 };
        return Err(Trouble::wrong(place, "the file holds no scenario; begin with `scenario: 1`"));
    }
    let named = |node: &Yaml| node.get("id").and_then(Yaml::text).unwrap_or("").to_owned();
    Ok(documents.iter().map(|node| (named(node), scenario(node, cases))).collect())
}

fn scenario(node: &Yaml, cases: Cases<'_>) -> Result<Scenario, Trouble> {
    let mut f = Fields::of("the file", node, None)?;
    let version = f.need("scenario")?;
    if version != "1" {
        return Err(f.unsupported("scenario", version));
    }
    let _title = f.text("title")?;
    let id = f.need("id")?.to_owned();
    let case = case(&mut f, cases)?;
    let profile = profile(&mut f)?;
    let policies = policies(&mut f)?;
    let mut book = Book::default();
    if let Some(node) = f.node("book") {
        book = Book::read(node)?;
    }
    let steps = steps(&mut f, Around { case: case.as_ref(), zone: &book.zone })?;
    let place = f.place();
    f.done()?;
    let Book { zone, currency, entity, payment_terms } = book;
    let start = start(&steps).map_err(|why| Trouble::wrong(place, why))?;
    let scenario =
        Scenario { id, profile, policies, zone, currency, entity, payment_terms, start, steps };
    scenario.understand()?;
    Ok(scenario)
}

fn case(f: &mut Fields<'_>, cases: Cases<'_>) -> Result<Option<Case>, Trouble> {
    let own = f.text("case")?;
    let read = match (own, cases.named) {
        (Some(own), _) => Case::read(own, cases.folder),
        (None, Some(named)) => Case::read(named, Path::new(".")),
        (None, None) => return Ok(None),
    };
    // A case that is named on the command line stands on no line; the file begins with the first.
    read.map(Some).map_err(|error| Trouble::wrong(f.place_of("case"), error.to_string()))
}

fn profile(f: &mut Fields<'_>) -> Result<Profile, Trouble> {
    let Some(name) = f.text("profile")? else { return Ok(Profile::Billfold1) };
    let found = Profile::ALL.iter().find(|profile| profile.name() == name);
    let known = Profile::ALL.iter().map(|profile| profile.name());
    let unknown = || Trouble::unknown(f.place_of("profile"), format!("profile `{name}`"), known);
    found.copied().ok_or_else(unknown)
}

/// Policies by their names, or by a rule that only one of them has.
fn policies(f: &mut Fields<'_>) -> Result<Vec<(&'static str, String)>, Trouble> {
    let mut policies = Vec::new();
    for (policy, rule) in f.texts("policies")? {
        if ALWAYS.contains(&rule) {
            continue;
        }
        let (known, _) = policy_of(policy, rule).ok_or_else(|| {
            let what = format!("policy `{policy}: {rule}`");
            Trouble::unknown(f.place_in("policies", policy), what, rules_of(policy))
        })?;
        policies.push((known, rule.to_owned()));
    }
    Ok(policies)
}

fn policy_of(policy: &str, rule: &str) -> Option<(&'static str, &'static str)> {
    let all = || {
        Policies::NAMES.iter().flat_map(|(name, rules)| rules.iter().map(move |it| (*name, *it)))
    };
    let by_name = all().find(|(name, known)| *name == policy && *known == rule);
    let mut by_rule = all().filter(|(_, known)| *known == rule);
    by_name.or_else(|| match (by_rule.next(), by_rule.next()) {
        (Some(only), None) => Some(only),
        (Some(_), Some(_)) | (None, _) => None,
    })
}

/// The rules of a policy; the policies, if it is none.
fn rules_of(policy: &str) -> Vec<&'static str> {
    match Policies::NAMES.iter().find(|(name, _)| *name == policy) {
        Some((_, rules)) => rules.to_vec(),
        None => Policies::NAMES.iter().map(|(name, _)| *name).collect(),
    }
}

/// The head of a file about its book.
struct Book {
    zone: ZoneName,
    currency: Currency,
    entity: String,
    payment_terms: u16,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            zone: ZoneName::utc(),
            currency: "USD".parse().expect("written here as a currency"),
            entity: "e1".to_owned(),
            payment_terms: PAYMENT_TERMS,
        }
    }
}

impl Book {
    fn read(node: &Yaml) -> Result<Self, Trouble> {
        let mut f = Fields::of("book", node, None)?;
        let usual = Self::default();
        f.only("periods", &["monthly"])?;
        let book = Self {
            zone: f.parsed("zone")?.unwrap_or(usual.zone),
            currency: f.parsed("currency")?.unwrap_or(usual.currency),
            entity: f.text("entity")?.map_or(usual.entity, str::to_owned),
            payment_terms: f.days("payment_terms")?.unwrap_or(usual.payment_terms),
        };
        f.done().map(|()| book)
    }
}

fn steps(f: &mut Fields<'_>, around: Around<'_>) -> Result<Vec<Step>, Trouble> {
    let Some(node) = f.node("steps") else { return Err(f.missing("steps")) };
    let Value::List(nodes) = &node.value else {
        let why = format!("`steps` of the file is {}; write a list", node.told());
        return Err(Trouble::wrong(f.at(node), why));
    };
    let mut steps = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        steps.extend(read(node, index + 1, around)?);
    }
    Ok(steps)
}

/// The first time that is named: what happens before it has no time of its own.
fn start(steps: &[Step]) -> Result<Timestamp, String> {
    let first = steps.iter().find_map(|step| step.at);
    let earliest = steps.iter().filter_map(|step| step.effective).min();
    let named = match (first, earliest) {
        (Some(first), Some(earliest)) => Some(first.min(earliest)),
        (first, earliest) => first.or(earliest),
    };
    named.map_or_else(|| EARLY.parse().map_err(|_| "no time to start at".to_owned()), Ok)
}

impl Scenario {
    /// The first command of its book.
    pub fn opening(&self, book: BookName) -> OpenBook {
        let code = |text: &str| text.parse().expect("a policy and its rules are codes");
        let replaced: BTreeMap<Code, Code> =
            self.policies.iter().map(|(policy, rule)| (code(policy), code(rule))).collect();
        let policies = (!replaced.is_empty()).then_some(replaced);
        OpenBook { book, profile: self.profile, policies, clock: BookClock::Test(self.start) }
    }

    /// What is asked of the ledger, step by step.
    fn verbs(&self) -> impl Iterator<Item = (&Step, &Verb)> {
        self.steps.iter().filter_map(|step| match &step.act {
            Act::Ask(verb) => Some((step, verb)),
            Act::Wait | Act::Expect(_) => None,
        })
    }

    /// What is asked and what is only tried: every verb whose words may be aliases.
    fn words(&self) -> impl Iterator<Item = &Verb> {
        self.steps.iter().filter_map(|step| match &step.act {
            Act::Ask(verb) => Some(verb),
            Act::Expect(expect) => match &expect.subject {
                Subject::Preview(verb) => Some(verb),
                Subject::Invoice(_)
                | Subject::Note(_)
                | Subject::Customer(_)
                | Subject::Sub(_)
                | Subject::Lot(_)
                | Subject::Rerun => None,
            },
            Act::Wait => None,
        })
    }

    /// What its aliases stand for, before anything is played.
    pub(crate) fn names(&self) -> Names {
        let head = Head {
            id: &self.id,
            currency: self.currency,
            zone: &self.zone,
            seller: &self.entity,
            currencies: self.currencies(),
        };
        Names::new(head, self.words().flat_map(Verb::texts))
    }

    /// Every command can be made, if each before it is accepted that is not to be refused, and
    /// every step comes when the test clock has not gone past it.
    fn understand(&self) -> Result<(), Trouble> {
        let mut names = self.names();
        let mut clock = Clock::default();
        for step in &self.steps {
            clock.step(step)?;
            let verb = match &step.act {
                Act::Ask(verb) => verb,
                Act::Expect(expect) => {
                    if let Subject::Preview(verb) = &expect.subject {
                        let command = verb.command(&names)?;
                        verb.names_invoices(command.as_ref(), &names)?;
                    }
                    continue;
                }
                Act::Wait => continue,
            };
            names.unnamed += 1;
            let command = verb.command(&names)?;
            if step.reject.is_none() {
                // That there is no such thing may be just what the step expects.
                verb.names_invoices(command.as_ref(), &names)?;
                if let Some(command) = command {
                    clock.moved(step, &command, &self.zone)?;
                    names.learn(&command);
                }
            }
        }
        Ok(())
    }

    /// The policies of its book.
    pub fn policies(&self) -> Policies {
        let mut policies = self.profile.policies();
        for (policy, rule) in &self.policies {
            // They were read as known ones.
            let _known = policies.set(policy, rule);
        }
        policies
    }

    /// The earliest time that a step is backdated to: customers have to be there by then.
    pub fn earliest(&self) -> Option<Timestamp> {
        self.steps.iter().filter_map(|step| step.effective).min()
    }

    /// The currencies that customers pay in: every plan is defined in each.
    pub fn currencies(&self) -> Vec<Currency> {
        let mut currencies = vec![self.currency];
        let customers = self.verbs().filter(|(_, verb)| verb.command_name() == REGISTER);
        let told =
            customers.filter_map(|(_, verb)| verb.text("currency")?.parse::<Currency>().ok());
        currencies.extend(told);
        currencies.sort();
        currencies.dedup();
        currencies
    }
}

#[cfg(test)]
mod tests;
