//! What `doctor` says of a book's keys: whether they are there, whole, and open to nobody else.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use host::{Folder, HostError};
use schemas::text::BookName;
use vault::VaultError;

use super::finding::Finding;

/// What the group and others may do.
const OTHERS: u32 = 0o077;
const RESTORE: &str = "put a copy back: `billfold keys restore COPY`";

/// Looks at the keys of a book.
pub(super) fn look(folder: &Folder, book: &BookName) -> Vec<Finding> {
    let mut findings = vec![there(folder, book)];
    let (keys, master) = (folder.keys(book), folder.master_key(book));
    let bad = keys.join("keys.bad");
    if bad.exists() {
        findings.push(Finding::warning(
            "keys",
            format!("{} was set aside and may hold keys of people who are erased", bad.display()),
            "once the restored keys are good, overwrite and remove it",
        ));
    }
    let folders = [Some(keys.as_path()), master.parent()].into_iter().flatten();
    let mut places: Vec<PathBuf> = folders.map(Path::to_path_buf).collect();
    places.extend(files(&keys));
    places.push(master);
    places.sort();
    places.dedup();
    findings.extend(places.iter().filter_map(|path| open_to_others(path)));
    findings
}

fn there(folder: &Folder, book: &BookName) -> Finding {
    match folder.count_keys(book) {
        Ok(counts) if counts.damaged > 0 => Finding::warning(
            "keys",
            format!("{book}: {} keys are damaged", counts.damaged),
            RESTORE,
        ),
        Ok(counts) => Finding::good(
            "keys",
            format!("{book}: {} keys, and the master key opens each", counts.live),
        ),
        Err(error @ HostError::Keys(VaultError::Master { .. })) => {
            Finding::bad("keys", format!("{book}: {error}"), "put the master key back")
        }
        Err(error @ HostError::Keys(_)) => {
            Finding::bad("keys", format!("{book}: {error}"), RESTORE)
        }
        Err(error) => Finding::bad("keys", format!("{book}: {error}"), "mend the book first"),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder).and_then(Iterator::collect);
    // What is missing or cannot be listed was said when keys were counted.
    entries.unwrap_or_default().iter().map(fs::DirEntry::path).collect()
}

fn open_to_others(path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode();
    (mode & OTHERS != 0).then(|| {
        Finding::warning(
            "keys",
            format!("{} is open to others (mode {:o})", path.display(), mode & 0o777),
            "take that away: `chmod go= FILE`",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn keys_that_are_missing_open_to_others_or_set_aside_are_said() {
        // given
        let scratch = tempfile::tempdir().expect("a folder");
        let (folder, book) = (Folder::at(scratch.path()), "main".parse().expect("a name"));
        let host = host::Host::new(folder.clone(), host::Role::gateway()).expect("threads");
        host.create(&book, None).expect("made");
        host.close();
        let verdicts =
            || -> Vec<_> { look(&folder, &book).iter().map(|finding| finding.verdict).collect() };
        assert_eq!(verdicts(), [Verdict::Good]);
        // when and then
        let keys = folder.keys(&book);
        let (master, away) = (folder.master_key(&book), scratch.path().join("away"));
        fs::rename(&master, &away).expect("renamed");
        assert_eq!(verdicts(), [Verdict::Bad]);
        fs::rename(&away, &master).expect("renamed");
        fs::set_permissions(keys.join("keys"), Permissions::from_mode(0o640)).expect("set");
        assert_eq!(verdicts(), [Verdict::Good, Verdict::Warning]);
        fs::rename(keys.join("keys"), keys.join("keys.bad")).expect("renamed");
        assert_eq!(verdicts(), [Verdict::Bad, Verdict::Warning, Verdict::Warning]);
    }
}
