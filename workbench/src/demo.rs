//! The demo: real purchases, two years of a subscription business, reports, and an audit.
//!
//! # Shape
//!
//! Two books in one folder: `cdnow`, imported from a file of real purchases, and `saas`, made up
//! from a seed. Everything goes in through the front door and comes out through queries; then
//! the process closes the books and audits them as a stranger would.

pub mod catalog;
pub mod plan;
pub mod random;
mod report;
mod saas;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use client::edge;
use host::audit::audit;
use host::rebuild::{Compared, compare, hashes_on_disk};
use host::{Folder, Host, Role};
use schemas::text::{Actor, BookName};
use schemas::{Date, Timestamp};
use terminal::{Format, Output, Progress, say};
use uuid::Uuid;

use crate::error::WorkError;
use crate::import::purchases::import;

use report::Report;

/// Every purchase of the CDNOW data set; see `tests/data/README.md`.
pub const PURCHASES: &[u8] = include_bytes!("../../tests/data/CDNOW_master.txt");

/// How long read models may take to catch up.
const PATIENCE: Duration = Duration::from_mins(10);

/// How large the demo is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoSettings {
    /// An empty folder; a fresh one for temporary files if left out.
    pub dir: Option<PathBuf>,
    /// What the business is made up from.
    pub seed: u64,
    /// Customers of the business.
    pub customers: u32,
    /// Months of the business.
    pub months: u32,
}

/// What the demo is made of.
#[derive(Debug)]
struct Demo {
    folder: Folder,
    actor: Actor,
    cdnow: BookName,
    saas: BookName,
    start: Date,
    end: Date,
}

/// Runs `demo`.
///
/// # Errors
/// [`WorkError`]: a folder that is not empty, a command that was refused against the plan, or an
/// audit that found something.
pub fn run(settings: &DemoSettings, asked: Option<Format>) -> Result<(), WorkError> {
    // People watch it; who pipes it asks for JSON by name.
    let report = Report::new(Output::new(asked.or(Some(Format::Table))));
    let demo = Demo::new(settings)?;
    let begun = Instant::now();
    let host = Host::new(demo.folder.clone(), Role::everything())?;
    demo.make(&host, settings, &report)?;
    demo.tell(&host, &report)?;
    host.close();
    demo.audit(&report)?;
    Ok(report.end(&demo.folder, begun.elapsed())?)
}

impl Demo {
    fn new(settings: &DemoSettings) -> Result<Self, WorkError> {
        let name = |text: &str| text.parse().expect("written here as a book's name");
        let start = Date::new(2024, 1, 1).expect("a day of the calendar");
        let months = i16::try_from(settings.months).unwrap_or(i16::MAX);
        let end = months_after(start, months).ok_or(WorkError::OutOfCalendar { months })?;
        Ok(Self {
            folder: Folder::at(empty_folder(settings.dir.as_deref())?),
            actor: "demo".parse().expect("written here as an actor"),
            cdnow: name("cdnow"),
            saas: name("saas"),
            start,
            end,
        })
    }

    /// Fills both books.
    fn make(&self, host: &Host, settings: &DemoSettings, report: &Report) -> Result<(), WorkError> {
        report.chapter(&format!(
            "Two books in {}\n`cdnow`: every purchase of 23,570 customers of a music shop, 1997 \
             and 1998, from a file.\n`saas`: {} customers of a subscription business over {} \
             months, from seed {}.\nThe same seed gives the same commits on every machine; what is \
             personal in them is sealed with keys of this book.",
            self.folder.root().display(),
            settings.customers,
            settings.months,
            settings.seed
        ))?;
        host.create_log(&self.cdnow, log_of(&self.cdnow, 0), Some(shop_clock()))?;
        let opening = Timestamp::start_of_utc(self.start);
        host.create_log(&self.saas, log_of(&self.saas, settings.seed), Some(opening))?;
        let source = "cdnow".parse().expect("written here as a code");
        let usd = "USD".parse().expect("written here as a currency");
        let door = host.door(&self.cdnow, &self.actor);
        let (summary, bad) = import(PURCHASES, source, usd, &door)?;
        if let Some(line) = bad.first() {
            return Err(WorkError::Unplanned(format!("a purchase was refused: {line}")));
        }
        report.fact("cdnow", &format!("{} commands accepted", summary.accepted))?;
        let played =
            saas::play(&host.door(&self.saas, &self.actor), settings, self.start, self.end)?;
        report.fact(
            "saas",
            &format!(
                "{} commands accepted, {} refused as a client must expect, {} billing runs",
                played.accepted, played.refused, played.runs
            ),
        )?;
        for book in [&self.cdnow, &self.saas] {
            if !host.catch_up(book, PATIENCE) {
                return Err(WorkError::Unplanned(format!("the read models of {book} fell behind")));
            }
        }
        Ok(())
    }

    /// What a finance person would want to see.
    fn tell(&self, host: &Host, report: &Report) -> Result<(), WorkError> {
        report.shop(&host.door(&self.cdnow, &self.actor))?;
        report.business(&host.door(&self.saas, &self.actor), self.start, self.end)
    }

    /// The closed books, looked at from outside.
    fn audit(&self, report: &Report) -> Result<(), WorkError> {
        report.chapter("The audit: verify, replay, compare")?;
        for book in [&self.cdnow, &self.saas] {
            let bar = Progress::start("verify", None);
            let audit = audit(&self.folder, book, false, &mut |_| bar.more(1))?;
            bar.finish();
            let live = hashes_on_disk(&self.folder, book)?;
            let bar = Progress::start("replay", None);
            let compared = compare(&self.folder, book, live, None, &mut |at| bar.at(at))?;
            bar.finish();
            report.audited(book, &audit, &compared)?;
            audit.conclude()?;
            let differs = |one: &Compared| one.live.as_ref() != Some(&one.rebuilt);
            if let Some(wrong) = compared.iter().find(|one| differs(one)) {
                let view = wrong.view.as_str();
                return Err(WorkError::Wrong(format!("{view} of {book} differs from the log")));
            }
        }
        Ok(())
    }
}

/// The demo's logs have the same ids every time, so that equal runs have equal Merkle roots.
fn log_of(book: &BookName, seed: u64) -> Uuid {
    schemas::ids::derive(catalog::NAMESPACE, &format!("log/{book}/{seed}"))
}

/// The day after the last purchase: the import looks back on all of them.
fn shop_clock() -> Timestamp {
    Timestamp::start_of_utc(Date::new(1998, 7, 1).expect("a day of the calendar"))
}

/// The named folder if it is empty, or a fresh one.
fn empty_folder(dir: Option<&Path>) -> Result<PathBuf, WorkError> {
    let folder = dir.map_or_else(
        || std::env::temp_dir().join(format!("billfold-demo-{}", edge::fresh().simple())),
        Path::to_path_buf,
    );
    fs::create_dir_all(&folder)
        .map_err(|e| WorkError::io(format!("{} cannot be made", folder.display()), e))?;
    let mut entries = fs::read_dir(&folder)
        .map_err(|e| WorkError::io(format!("{} cannot be read", folder.display()), e))?;
    if entries.next().is_some() {
        return Err(WorkError::NotFresh { path: folder });
    }
    say(&format!("billfold: the demo is in {}", folder.display()));
    Ok(folder)
}

fn months_after(start: Date, months: i16) -> Option<Date> {
    let civil = start.civil();
    let count = i32::from(civil.year()) * 12 + i32::from(civil.month()) - 1 + i32::from(months);
    let year = i16::try_from(count.div_euclid(12)).ok()?;
    let month = i8::try_from(count.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, civil.day()).ok()
}

#[cfg(test)]
mod tests {
    use client::{Ask, Node};
    use projections::ViewName;
    use schemas::wire::Endpoint;
    use schemas::wire::Headers;

    use super::*;

    #[test]
    fn months_are_counted_over_the_end_of_a_year() {
        let start = Date::new(2024, 1, 1).expect("a day");
        let after = |months| months_after(start, months).map(|date| date.to_string());
        assert_eq!(after(1).as_deref(), Some("2024-02-01"));
        assert_eq!(after(24).as_deref(), Some("2026-01-01"));
    }

    /// All commits of a book, as clients read them: with personal texts in the clear.
    fn commits(door: &impl Ask) -> Vec<Node> {
        let (mut commits, mut after) = (Vec::new(), Node::Null);
        loop {
            let body = serde_json::json!({"after": after, "limit": 500}).to_string().into_bytes();
            let page = door.ask(Endpoint::Feed, Headers::new(), body).expect("a page");
            let page = Node::parse(&page).expect("JSON");
            commits.extend(page.items_at("data").iter().cloned());
            match commits.last().and_then(|last| last.get("position")) {
                Some(last) if page.get("has_more") == Some(&Node::Bool(true)) => {
                    after = last.clone();
                }
                Some(_) | None => return commits,
            }
        }
    }

    /// The subscription business of a seed: its commits, and what of its read models is about
    /// nobody. Texts about people are sealed with random keys, so other hashes differ.
    fn played(seed: u64) -> (Vec<Node>, Vec<String>) {
        let scratch = tempfile::tempdir().expect("a folder");
        let (folder, book) = (Folder::at(scratch.path()), "saas".parse().expect("a name"));
        let settings = DemoSettings { dir: None, seed, customers: 25, months: 5 };
        let (start, end) =
            (Date::new(2024, 1, 1).expect("a day"), Date::new(2024, 6, 1).expect("a day"));
        let host = Host::new(folder.clone(), Role::everything()).expect("a host");
        let opening = Some(Timestamp::start_of_utc(start));
        host.create_log(&book, log_of(&book, seed), opening).expect("a book");
        let actor = "demo".parse().expect("an actor");
        saas::play(&host.door(&book, &actor), &settings, start, end).expect("played as planned");
        assert!(host.catch_up(&book, PATIENCE));
        let commits = commits(&host.door(&book, &actor));
        host.close();
        let audit = audit(&folder, &book, false, &mut |_| ()).expect("audited");
        assert_eq!(audit.findings, Vec::<String>::new());
        let live = hashes_on_disk(&folder, &book).expect("built");
        let of_nobody = live.into_iter().filter(|(view, _)| *view == ViewName::Revenue);
        let hashes = of_nobody.filter_map(|(_, held)| Some(held?.1)).collect();
        (commits, hashes)
    }

    #[test]
    fn equal_seeds_give_equal_commits_and_read_models_and_other_seeds_others() {
        let (first, again, other) = (played(7), played(7), played(8));
        assert_eq!(first, again);
        assert!(first.0.len() > 100 && first.1.len() == 1);
        assert_ne!(first.0, other.0);
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let scratch = tempfile::tempdir().expect("a folder");
        assert!(empty_folder(Some(scratch.path())).is_ok());
        fs::write(scratch.path().join("x"), b"x").expect("written");
        let refused = empty_folder(Some(scratch.path())).expect_err("refused");
        assert!(matches!(refused, WorkError::NotFresh { .. }), "{refused}");
    }
}
