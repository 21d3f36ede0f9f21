//! A book's log, cut at every byte and with every bit flipped: refused with file and offset, or
//! read as it was written; never a panic, never silently accepted.

use std::sync::Arc;

use command_gateway::{CommandRequest, Gateway, GatewayConfig, GatewayError, ManualClock};
use event_log::sim::SimDisk;
use event_log::{Damage, Disk, OpenError, ReadError, verify};
use schemas::Command;
use schemas::command::OpenBook;
use schemas::terms::{BookClock, Profile};
use serde_json::Value;
use tests::acme::{charge, command_id, opening, pay, register};
use uuid::Uuid;

/// Blocks and headers start on sectors.
const SECTOR: usize = 512;
/// The file that is damaged.
const SEGMENT: &str = "segment";

/// A closed log of one segment.
struct Book {
    disk: SimDisk,
    segment: String,
    bytes: Vec<u8>,
    /// Where its last block ends.
    end: usize,
    commits: Vec<Vec<u8>>,
}

fn config(disk: &SimDisk) -> GatewayConfig {
    let clock = ManualClock::at("2026-03-01T12:00:00Z".parse().expect("an instant"));
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut config = GatewayConfig::on(disk).with_clock(Arc::new(clock)).with_queue(16);
    config.segment_bytes = Some(6 * 1024);
    config
}

fn submit(gateway: &Gateway, n: u64, name: &str, body: &Value) {
    let command = Command::from_json(name, body.to_string().as_bytes()).expect("a command");
    let actor = "ada".parse().expect("an actor");
    let request = CommandRequest::new(command_id(n), actor, command);
    gateway.handle().submit_blocking(request).expect("accepted");
}

/// A handful of commits, each in a block of its own, and a clean stop.
fn small_book() -> Book {
    let disk = SimDisk::new(0);
    let open = OpenBook {
        book: "main".parse().expect("a name"),
        profile: Profile::Billfold1,
        policies: None,
        clock: BookClock::Wall,
    };
    let gateway = Gateway::create(&config(&disk), Uuid::from_u128(7), open).expect("a fresh disk");
    let seller = opening().into_iter().take(1);
    let business = [
        ("customer.register", register(1)),
        ("charge.add", charge(1, 1, "12.34")),
        ("payment.record", pay(1, 1, "12.34")),
    ];
    for (n, (name, body)) in (0..).zip(seller.chain(business)) {
        submit(&gateway, n, name, &body);
    }
    gateway.close();
    let names = disk.file_names();
    let segments: Vec<_> = names.into_iter().filter(|name| name.starts_with(SEGMENT)).collect();
    let [segment] = segments.try_into().expect("one segment");
    let bytes = disk.file_bytes(&segment).expect("it is there");
    let used = bytes.iter().rposition(|byte| *byte != 0).expect("it is written") + 1;
    let commits = read(&disk).expect("it is whole");
    assert_eq!(commits.len(), 5);
    Book { disk, segment, bytes, end: used.next_multiple_of(SECTOR), commits }
}

fn read(disk: &SimDisk) -> Result<Vec<Vec<u8>>, ReadError> {
    let mut commits = Vec::new();
    verify(Arc::new(disk.clone()), |_, commit| commits.push(commit.to_vec()))?;
    Ok(commits)
}

/// Opens the book to be written. On success, what its log holds then.
fn open(disk: &SimDisk, what: &str) -> Result<Vec<Vec<u8>>, ReadError> {
    match Gateway::open(&config(disk)) {
        Ok(gateway) => {
            gateway.close();
            read(disk)
        }
        Err(GatewayError::Log(OpenError::Read(error)) | GatewayError::Read(error)) => Err(error),
        Err(other) => panic!("{what}: {other:?}"),
    }
}

impl Book {
    /// The same with other bytes in a file.
    fn with(&self, file: &str, bytes: &[u8]) -> SimDisk {
        let disk = self.disk.copy(1);
        disk.set_file_bytes(file, bytes);
        disk
    }

    /// Damage that must be found by whoever verifies. That changes nothing, so no copy is made.
    fn must_refuse(&self, bytes: &[u8], what: &str) {
        self.disk.set_file_bytes(&self.segment, bytes);
        self.assert_refused(read(&self.disk), what);
        self.disk.set_file_bytes(&self.segment, &self.bytes);
    }

    /// Damage that must be found by whoever opens the book to write.
    fn must_not_open(&self, bytes: &[u8], what: &str) {
        let disk = self.with(&self.segment, bytes);
        self.assert_refused(open(&disk, what), what);
    }

    fn assert_refused(&self, found: Result<Vec<Vec<u8>>, ReadError>, what: &str) {
        let Err(ReadError::Corrupt(Damage { file, offset, .. })) = found else {
            panic!("{what}: {found:?}")
        };
        let name = file.file_name().and_then(|name| name.to_str());
        assert_eq!(name, Some(&*self.segment), "{what}");
        assert!(offset <= self.end as u64, "{what}: said to be at {offset}");
    }

    /// Damage that may be found; if it is not, it did not matter. `lacking` commits may be
    /// missing for a reader that settles nothing.
    fn may_refuse(&self, file: &str, bytes: &[u8], what: &str) {
        let disk = self.with(file, bytes);
        match read(&disk) {
            Ok(commits) => assert!(self.commits.starts_with(&commits), "{what}"),
            Err(error) => assert!(matches!(error, ReadError::Corrupt(_)), "{what}: {error}"),
        }
        match open(&disk, what) {
            Ok(commits) => assert_eq!(commits, self.commits, "{what}"),
            Err(error) => assert!(matches!(error, ReadError::Corrupt(_)), "{what}: {error}"),
        }
    }
}

#[test]
fn a_log_cut_at_any_byte_is_refused_with_file_and_offset() {
    let book = small_book();
    for length in 0..book.end {
        let (bytes, what) = (&book.bytes[..length], format!("cut to {length} bytes"));
        book.must_refuse(bytes, &what);
        book.must_not_open(bytes, &what);
    }
}

#[test]
fn a_log_cut_behind_its_last_block_is_whole_or_refused() {
    let book = small_book();
    for length in (book.end..book.bytes.len()).step_by(SECTOR / 4) {
        book.may_refuse(&book.segment, &book.bytes[..length], &format!("cut to {length} bytes"));
    }
}

#[test]
fn any_flipped_bit_is_refused_with_file_and_offset() {
    let book = small_book();
    let mut bytes = book.bytes.clone();
    for at in 0..book.end {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            book.must_refuse(&bytes, &format!("bit {bit} of byte {at}"));
            bytes[at] ^= 1 << bit;
        }
    }
}

/// Opening takes longer than verifying, so it sees one flipped bit of each byte; that the log
/// itself is not opened with any bit flipped, `event-log` tests.
#[test]
fn a_book_with_a_flipped_bit_in_any_byte_is_not_opened() {
    let book = small_book();
    let mut bytes = book.bytes.clone();
    for at in 0..book.end {
        bytes[at] ^= 1 << (at % 8);
        book.must_not_open(&bytes, &format!("bit {} of byte {at}", at % 8));
        bytes[at] ^= 1 << (at % 8);
    }
}

#[test]
fn a_flipped_bit_behind_the_last_block_never_changes_what_is_read() {
    let book = small_book();
    for at in (book.end..book.bytes.len()).step_by(61) {
        let mut bytes = book.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        book.may_refuse(&book.segment, &bytes, &format!("byte {at}"));
    }
}

#[test]
fn a_damaged_watermark_never_changes_what_is_read() {
    let book = small_book();
    let watermark = book.disk.file_bytes("watermark").expect("it is there");
    // Its slots start every 4,096 bytes and are short; between them lie zeros.
    let matters = |at: &usize| at % 4_096 < 128 || at.is_multiple_of(61);
    for at in (0..watermark.len()).filter(matters) {
        let mut bytes = watermark.clone();
        bytes[at] ^= 1 << (at % 8);
        book.may_refuse("watermark", &bytes, &format!("byte {at} of the watermark"));
    }
    for length in (0..watermark.len()).step_by(37) {
        let bytes = &watermark[..length];
        book.may_refuse("watermark", bytes, &format!("the watermark cut to {length}"));
    }
}
