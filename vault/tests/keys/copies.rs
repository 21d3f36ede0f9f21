//! Copies of keys: with their master key and without, into an empty place and beside others.

use event_log::sim::SimDisk;
use schemas::fields::Erasure;
use vault::{CopyError, Opened, Restored, backup, restore};

use crate::book::{LOG, customer, open, place, reads, registered};

fn copied(disk: &SimDisk, with_master: bool) -> Vec<u8> {
    let mut copy = Vec::new();
    backup(&place(disk), LOG, with_master, &mut copy).expect("copied");
    copy
}

fn put_back(disk: &SimDisk, copy: &[u8]) -> Result<Restored, CopyError> {
    restore(&place(disk), LOG, &mut &copy[..])
}

#[test]
fn a_copy_with_its_master_key_opens_everything_in_an_empty_place() {
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let (ada, _) = registered(&vault, 1, "Ada");
    let (eve, _) = registered(&vault, 2, "Eve");
    vault.erase([(customer(2), Erasure::Own)]).expect("erased");
    // The keys are in use meanwhile.
    let copy = copied(&disk, true);
    let empty = SimDisk::new(2);
    let restored = put_back(&empty, &copy).expect("restored");
    assert_eq!(restored, Restored { added: 3, ..Restored::default() });
    let ring = open(&empty).ring();
    assert!(reads(&ring, &ada, "Ada"));
    assert_ne!(ring.open(&eve), Opened::Text("Eve".to_owned()));
    assert_eq!(put_back(&empty, &copy).expect("again"), Restored::default());
}

#[test]
fn a_copy_without_its_master_key_needs_it() {
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let (ada, _) = registered(&vault, 1, "Ada");
    drop(vault);
    let copy = copied(&disk, false);
    let master = disk.file_bytes("master").expect("a master key");
    let empty = SimDisk::new(2);
    assert!(matches!(put_back(&empty, &copy), Err(CopyError::NoMaster)));
    empty.set_file_bytes("master", &master);
    assert_eq!(put_back(&empty, &copy).expect("restored").added, 2);
    assert!(reads(&open(&empty).ring(), &ada, "Ada"));
}

#[test]
fn keys_that_were_destroyed_since_stay_destroyed_and_new_ones_stay() {
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let (ada, _) = registered(&vault, 1, "Ada");
    let copy = copied(&disk, true);
    let (eve, _) = registered(&vault, 2, "Eve");
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    drop(vault);
    let restored = put_back(&disk, &copy).expect("restored");
    assert_eq!(restored, Restored { destroyed: 2, ..Restored::default() });
    let ring = open(&disk).ring();
    assert_eq!(ring.open(&ada), Opened::Erased);
    assert!(reads(&ring, &eve, "Eve"));
}

#[test]
fn a_log_that_went_on_without_its_keys_gets_the_old_ones_beside_the_new() {
    let disk = SimDisk::new(1);
    let (before, _) = registered(&open(&disk), 1, "Ada");
    let copy = copied(&disk, true);
    let without = SimDisk::new(2);
    let vault = open(&without);
    let (after, _) = registered(&vault, 1, "Ada King");
    assert_eq!(vault.ring().open(&before), Opened::Unknown);
    drop(vault);
    assert_eq!(put_back(&without, &copy).expect("restored").added, 2);
    let vault = open(&without);
    assert!(reads(&vault.ring(), &before, "Ada"));
    assert!(reads(&vault.ring(), &after, "Ada King"));
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    assert_eq!(vault.ring().open(&before), Opened::Erased);
    assert_eq!(vault.ring().open(&after), Opened::Erased);
}

#[test]
fn damage_is_mended_from_a_copy() {
    let disk = SimDisk::new(1);
    let (ada, _) = registered(&open(&disk), 1, "Ada");
    let copy = copied(&disk, true);
    let mut bytes = disk.file_bytes("keys").expect("keys");
    bytes[512 + 80] ^= 1;
    disk.set_file_bytes("keys", &bytes);
    let vault = open(&disk);
    assert_eq!(vault.counts().expect("readable").damaged, 1);
    assert_eq!(vault.ring().open(&ada), Opened::Unknown);
    drop(vault);
    assert_eq!(put_back(&disk, &copy).expect("restored").mended, 1);
    assert!(reads(&open(&disk).ring(), &ada, "Ada"));
}

#[test]
fn other_files_and_other_books_are_refused() {
    let disk = SimDisk::new(1);
    registered(&open(&disk), 1, "Ada");
    let copy = copied(&disk, true);
    let other = restore(&place(&SimDisk::new(2)), [1; 16], &mut &copy[..]);
    assert!(matches!(other, Err(CopyError::OtherLog)));
    for nothing in [b"".as_slice(), &[7; 300]] {
        assert!(matches!(put_back(&SimDisk::new(2), nothing), Err(CopyError::NoCopy)));
    }
}
