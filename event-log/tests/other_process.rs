//! A reader in another process follows a writer in this one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use event_log::{Block, EventLog, FileDisk, FileLog, LogId, LogIdentity, LogOptions, LogReader};

/// Set for the process that reads: the log's folder.
const FOLDER: &str = "EVENT_LOG_TEST_FOLDER";
const DEADLINE: Duration = Duration::from_mins(1);

/// What the other process runs: prints each commit as soon as it may be seen.
fn follow(folder: &str) {
    let mut reader = LogReader::open(folder).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        while let Some(block) = reader.next_block().unwrap() {
            for (position, commit) in block.commits() {
                let text = String::from_utf8_lossy(commit);
                writeln!(out, "commit {position} {text}").unwrap();
                if text == "last" {
                    return;
                }
            }
        }
        assert!(reader.wait(DEADLINE).unwrap(), "nothing came");
    }
}

fn start_follower(test: &str, folder: &std::path::Path) -> (Child, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some(at) = line.find("commit ")
                && sender.send(line[at..].to_owned()).is_err()
            {
                return;
            }
        }
    });
    (child, lines)
}

#[test]
fn another_process_sees_each_block_soon_after_it_is_durable_across_segments_and_writers() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return follow(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = || Arc::new(FileDisk::create(folder.path().join("log")).unwrap());
    let identity = LogIdentity::new(LogId([3; 16]), "followed", 0).unwrap();
    let options = LogOptions { segment_bytes: 8192, ..LogOptions::at(0) };
    let mut log = FileLog::create(disk(), &identity, options.clone()).unwrap();
    let test =
        "another_process_sees_each_block_soon_after_it_is_durable_across_segments_and_writers";
    let (mut child, lines) = start_follower(test, &folder.path().join("log"));

    for position in 1..=200_u64 {
        if position == 100 {
            log.close(0).unwrap();
            drop(log);
            (log, _) = FileLog::open(disk(), options.clone()).unwrap();
        }
        let text = if position == 200 { "last".to_owned() } else { format!("number {position}") };
        let mut block = Block::new(0);
        block.push(text.as_bytes()).unwrap();
        log.append(position, &mut block).unwrap();
        // Each is seen while the writer is idle, so nothing but the watermark tells of it.
        let seen = lines.recv_timeout(DEADLINE).unwrap();
        assert_eq!(seen, format!("commit {position} {text}"));
    }

    assert!(child.wait().unwrap().success());
}
