//! Files that are gone or damaged: each command says which, ends with the status of damage, and
//! names the way out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use projections::ViewName;
use serde_json::Value;

use crate::workbench::{Bench, CUSTOMER, Ran, segment};

impl Bench {
    fn log(&self) -> PathBuf {
        self.data().join("books/main/log")
    }

    fn keys(&self) -> PathBuf {
        self.data().join("books/main/keys")
    }

    /// A path beside the data folder, as it is typed.
    fn beside(&self, name: &str) -> String {
        self.data().with_file_name(name).to_str().expect("UTF-8").to_owned()
    }

    /// What `doctor` found of a kind of thing.
    fn doctor(&self, what: &str) -> (i32, Vec<Value>) {
        let ran = self.run(&["doctor", "--syncs", "1", "--output", "json"]);
        let document: Value = serde_json::from_str(&ran.out).expect("JSON");
        let rows = document["data"].as_array().expect("rows");
        (ran.code, rows.iter().filter(|row| row["what"] == what).cloned().collect())
    }

    /// Runs a command that must meet damage and name it with these words.
    fn damaged(&self, args: &[&str], words: &[&str]) {
        let ran = self.run(args);
        assert_eq!(ran.code, 3, "{args:?} {} {}", ran.out, ran.err);
        for word in words {
            assert!(ran.err.contains(word), "{args:?}: {word} is missing in {}", ran.err);
        }
    }
}

/// Flips a bit of the byte of a segment that `choose` gives, of the last one that is not zero.
fn flip(segment: &Path, choose: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(segment).expect("read");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("something is written");
    bytes[choose(last)] ^= 1;
    fs::write(segment, bytes).expect("written");
}

/// In the middle of what is written, and in the block that closes the log.
const PLACES: [fn(usize) -> usize; 2] = [|last| last / 2, |last| last];

fn name_of(path: &Path) -> String {
    path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned()
}

/// Everything that opens or reads the log of a book.
const READERS: [&[&str]; 12] = [
    &["verify"],
    &["up"],
    &["serve"],
    &["project", "invoices"],
    &["query", "invoices", "list"],
    &["query", "customers", "parked"],
    &["submit", "customer.update", CUSTOMER, "name=Bea"],
    &["tail"],
    &["replay"],
    &["book", "list"],
    &["book", "create", "main"],
    &["keys", "status"],
];

#[test]
fn a_log_whose_segment_is_gone_is_damage_and_no_fresh_book() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    fs::remove_file(segment(&bench.data(), "main")).expect("removed");
    let copy = bench.beside("copy");
    // when and then
    let words = ["segment 1 is missing", "restore the log from a backup"];
    for args in READERS.into_iter().chain([&["backup", copy.as_str()][..]]) {
        bench.damaged(args, &words);
    }
    let (code, books) = bench.doctor("book");
    assert_eq!((code, &books[0]["verdict"]), (5, &"bad".into()), "{books:?}");
    assert!(!Path::new(&copy).exists() && !Path::new(&format!("{copy}.partial")).exists());
    // when nothing of the log is left, or not even its folder
    let rest: [fn(&Path) -> io::Result<()>; 2] =
        [|log| fs::remove_file(log.join("watermark")), |log| fs::remove_dir_all(log)];
    for gone in rest {
        gone(&bench.log()).expect("removed");
        // then
        for args in READERS {
            bench.damaged(args, &["has keys and no log", "billfold restore"]);
        }
    }
}

#[test]
fn a_doctor_reads_the_log_and_says_how_far() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    let (code, books) = bench.doctor("book");
    let found = books[0]["found"].as_str().expect("a text");
    assert_eq!((code, &books[0]["verdict"]), (0, &"good".into()), "{books:?}");
    assert!(found.starts_with("main: 4 commits; checksums and hash chain hold"), "{found}");
    assert!(found.contains("billfold verify"), "{found}");
    let file = segment(&bench.data(), "main");
    let sound = fs::read(&file).expect("read");
    for at in PLACES {
        // when
        fs::write(&file, &sound).expect("written");
        flip(&file, at);
        // then
        let (code, books) = bench.doctor("book");
        assert_eq!((code, &books[0]["verdict"]), (5, &"bad".into()), "{books:?}");
        let found = books[0]["found"].as_str().expect("a text");
        assert!(found.contains(&name_of(&file)) && found.contains("at byte "), "{found}");
        assert!(books[0]["to_do"].as_str().expect("a way out").contains("billfold restore"));
    }
}

#[test]
fn a_master_key_that_is_gone_is_noticed_and_a_sealed_copy_is_the_way_out() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    let (identity, copy, away) =
        (bench.beside("identity"), bench.beside("sealed"), bench.beside("away"));
    let recipient = bench.run(&["keys", "identity", &identity]).out;
    let sealed = bench.run(&["keys", "backup", &copy, "--recipient", recipient.trim()]);
    assert_eq!(sealed.code, 0, "{}", sealed.err);
    let before = bench.run(&["keys", "status"]).json();
    assert!(before["live"].as_u64() > Some(0), "{before}");
    let (code, keys) = bench.doctor("keys");
    assert_eq!((code, &keys[0]["verdict"]), (0, &"good".into()), "{keys:?}");
    // when
    fs::remove_file(bench.keys().join("master")).expect("removed");
    // then
    let plain = bench.beside("plain");
    let refused: [&[&str]; 3] = [
        &["keys", "status"],
        &["keys", "backup", &plain],
        &["keys", "backup", &plain, "--recipient", recipient.trim()],
    ];
    for args in refused {
        let Ran { code, err, .. } = bench.run(args);
        assert_eq!(code, 1, "{args:?} {err}");
        let master = bench.keys().join("master").display().to_string();
        for word in [master.as_str(), "does not hold the master key", "--master-keys"] {
            assert!(err.contains(word), "{args:?} {err}");
        }
    }
    for left in [plain.clone(), format!("{plain}.partial")] {
        assert!(!Path::new(&left).exists(), "{left}");
    }
    let (code, keys) = bench.doctor("keys");
    assert_eq!((code, &keys[0]["verdict"]), (5, &"bad".into()), "{keys:?}");
    // when it is done as the message says
    fs::rename(bench.keys(), &away).expect("moved");
    let restored = bench.run(&["keys", "restore", &copy, "--identity", &identity]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    // then
    assert_eq!(bench.run(&["keys", "status"]).json()["live"], before["live"]);
    assert_eq!(bench.run(&["query", "balances", "get", CUSTOMER]).code, 0);
}

#[test]
fn a_query_of_a_damaged_log_without_a_server_is_damage() {
    for is_built in [true, false] {
        let bench = Bench::with_book();
        bench.catalog();
        let ask = ["query", "invoices", "list"];
        if is_built {
            assert_eq!(bench.run(&ask).code, 0);
        }
        let file = segment(&bench.data(), "main");
        let sound = fs::read(&file).expect("read");
        // The last block closes the log and holds no commit that a read model would want.
        for at in PLACES {
            fs::write(&file, &sound).expect("written");
            flip(&file, at);
            bench.damaged(&ask, &[&name_of(&file), "at byte "]);
            bench.damaged(&["explain", "INV-0001"], &[&name_of(&file), "at byte "]);
        }
        fs::write(&file, &sound).expect("written");
        assert_eq!(bench.run(&ask).code, 0, "and nothing of it stays");
    }
}

#[test]
fn a_copy_of_a_damaged_log_names_the_file_that_is_damaged_and_leaves_nothing() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    let (copy, whole) = (bench.beside("copy"), bench.beside("whole"));
    assert_eq!(bench.run(&["backup", &whole]).code, 0);
    let leaves_nothing = |to: &str| {
        for left in [to.to_owned(), format!("{to}.partial")] {
            assert!(!Path::new(&left).exists(), "{left}");
        }
    };
    // when
    let file = segment(&bench.data(), "main");
    flip(&file, |last| last / 2);
    // then
    let shown = file.display().to_string();
    bench.damaged(&["backup", &copy], &[&format!("{shown} is damaged at byte ")]);
    leaves_nothing(&copy);
    // when a copy is damaged, and put back
    let of_copy = Path::new(&whole).join(name_of(&file));
    flip(&of_copy, |last| last / 2);
    let shown = of_copy.display().to_string();
    let fresh = bench.beside("fresh");
    let restore = ["restore", &whole, "--data", &fresh];
    // then
    bench.damaged(&restore, &[&format!("{shown} is damaged at byte ")]);
    leaves_nothing(&format!("{fresh}/books/main/log"));
}

#[test]
fn a_lost_watermark_is_no_damage_and_a_log_that_lost_commits_still_is() {
    // given read models that have seen the last block, which has nothing behind it
    let bench = Bench::with_book();
    let older = bench.beside("older");
    assert_eq!(bench.run(&["backup", &older]).code, 0);
    let server = bench.up();
    let position = bench.catalog();
    let views = ViewName::ALL.map(ViewName::as_str);
    for view in views {
        let reached = bench.run(&["query", view, "status", "--at-least", &position]);
        assert_eq!(reached.code, 0, "{}", reached.err);
    }
    // when
    fs::remove_file(bench.log().join("watermark")).expect("removed");
    // then
    let verified = bench.run(&["verify"]).json();
    assert_eq!(verified["watermark"], "lost; the next start writes it anew");
    assert_eq!(verified["findings"], serde_json::json!([]));
    let replayed = bench.run(&["replay"]).json();
    for row in replayed["data"].as_array().expect("rows") {
        let verdict = row["verdict"].as_str().expect("a verdict");
        assert!(verdict.starts_with("not compared: it stands at 4"), "{row}");
    }
    let (code, books) = bench.doctor("book");
    assert_eq!((code, &books[0]["verdict"]), (0, &"warning".into()), "{books:?}");
    // when nobody serves any more, and the last block is again one with a commit
    server.kill();
    assert!(!bench.log().join("watermark").exists());
    // then
    for args in [&["verify"][..], &["replay"], &["query", "invoices", "list"]] {
        let ran = bench.run(args);
        assert_eq!(ran.code, 0, "{args:?} {}", ran.err);
    }
    // when it is started again
    assert_eq!(bench.up().stop(), 0);
    // then
    assert_eq!(bench.run(&["verify"]).json()["watermark"], "at the head");
    // when an older log is put in its place
    fs::remove_dir_all(bench.log()).expect("removed");
    assert_eq!(bench.run(&["restore", &older]).code, 0);
    // then
    bench.damaged(&["verify"], &["does not fit the log"]);
    fs::remove_file(bench.log().join("watermark")).expect("removed");
    bench.damaged(&["verify"], &["does not fit the log"]);
}

#[test]
fn a_command_whose_answer_did_not_come_is_told_with_the_id_to_repeat_it_with() {
    use std::io::Read as _;
    use std::os::unix::net::UnixListener;
    // given a server that takes a command and is gone
    let bench = Bench::with_book();
    bench.catalog();
    let update = ["submit", "customer.update", CUSTOMER, "name=Bea"];
    let own = "cmd_00000000000000000000000000000009";
    for args in [&update[..], &[&update[..], &["--id", own]].concat()] {
        let socket = bench.data().join("billfold.sock");
        let listener = UnixListener::bind(&socket).expect("bound");
        let taken = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut length = [0; 4];
            stream.read_exact(&mut length).expect("a frame");
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut frame).expect("the rest of it");
            String::from_utf8_lossy(&frame).into_owned()
        });
        // when
        let Ran { code, err, .. } = bench.run(args);
        let sent = taken.join().expect("it took the command");
        fs::remove_file(&socket).expect("removed");
        // then
        assert_eq!(code, 4, "{err}");
        let (_, id) = err.split_once("repeat this command with `--id ").expect("a way out");
        let (id, _) = id.split_once('`').expect("an id");
        assert!(sent.contains(id), "{id} is not what was sent: {sent}");
        assert!(args.len() == update.len() || id == own, "{id}");
        let again = bench.run(&[&update[..], &["--id", id]].concat());
        assert_eq!(again.code, 0, "{}", again.err);
    }
}
