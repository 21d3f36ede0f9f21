//! Another process opens what this one seals.

use std::sync::Arc;

use event_log::FileDisk;
use schemas::fields::Erasure;
use vault::{Absent, KeyRing, Opened, Place, Vault, rotate};

use crate::book::{LOG, customer, reads, registered};

#[test]
fn a_follower_sees_new_keys_erasures_and_another_file() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Arc::new(FileDisk::open(folder.path()).expect("a folder"));
    let place = Place::on(disk).with_room(64);
    let ring = KeyRing::follow(place.clone(), LOG);
    let open = || Vault::open(&place, LOG, Absent::Make, |_| true).expect("a sound disk");
    let vault = open();
    // when and then
    let (ada, _) = registered(&vault, 1, "Ada");
    assert!(reads(&ring, &ada, "Ada"));
    let (eve, document) = registered(&vault, 2, "Eve");
    assert!(reads(&ring, &eve, "Eve"));
    vault.erase([(customer(2), Erasure::Own)]).expect("erased");
    assert_eq!(ring.open(&eve), Opened::Erased);
    assert!(reads(&ring, &document, "Eve"));
    drop(vault);
    assert_eq!(rotate(&place, LOG).expect("rotated"), 3);
    assert!(reads(&ring, &ada, "Ada"));
    assert_eq!(ring.open(&eve), Opened::Erased);
    let vault = open();
    let (bob, _) = registered(&vault, 3, "Bob");
    assert!(reads(&ring, &bob, "Bob"));
}

#[test]
fn without_keys_nothing_is_opened_and_of_another_log_neither() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Arc::new(FileDisk::open(folder.path()).expect("a folder"));
    let place = Place::on(disk).with_room(64);
    let early = KeyRing::follow(place.clone(), LOG);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let disk = Arc::new(FileDisk::open(elsewhere.path()).expect("a folder"));
    let other = Place::on(disk).with_room(64);
    let vault = Vault::open(&other, LOG, Absent::Make, |_| true).expect("a sound disk");
    let (ada, _) = registered(&vault, 1, "Ada");
    assert_eq!(early.open(&ada), Opened::Unknown);
    assert_eq!(KeyRing::follow(other, [1; 16]).open(&ada), Opened::Unknown);
}
