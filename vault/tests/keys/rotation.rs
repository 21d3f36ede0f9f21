//! Another master key.

use std::sync::Arc;

use event_log::sim::SimDisk;
use schemas::fields::Erasure;
use vault::{Absent, Opened, Place, Vault, VaultError, rotate};

use crate::book::{LOG, customer, open, place, reads, registered};

#[test]
fn after_a_rotation_all_is_read_and_nothing_of_the_old_files_is_left() {
    // given
    let disk = SimDisk::new(4);
    let vault = open(&disk);
    let (ada, _) = registered(&vault, 1, "Ada");
    let (eve, _) = registered(&vault, 2, "Eve");
    vault.erase([(customer(2), Erasure::All)]).expect("erased");
    let before = [disk.file_bytes("keys"), disk.file_bytes("master")];
    // when
    let in_use = rotate(&place(&disk), LOG);
    assert!(matches!(in_use, Err(VaultError::InUse { .. })));
    drop(vault);
    assert_eq!(rotate(&place(&disk), LOG).expect("rotated"), 2);
    // then
    let mut names = disk.file_names();
    names.sort();
    assert_eq!(names, ["keys", "lock", "master"]);
    assert_ne!([disk.file_bytes("keys"), disk.file_bytes("master")], before);
    let ring = open(&disk).ring();
    assert!(reads(&ring, &ada, "Ada"));
    assert_eq!(ring.open(&eve), Opened::Erased);
    // The key before opens nothing any more.
    let [_, master] = before;
    disk.set_file_bytes("master", &master.expect("it was there"));
    let old = Vault::open(&place(&disk), LOG, Absent::Make, |_| true);
    assert!(matches!(old, Err(VaultError::Master { .. })));
}

#[test]
fn the_master_key_may_lie_elsewhere() {
    let (keys, secrets) = (SimDisk::new(4), SimDisk::new(5));
    let place = Place::on(Arc::new(keys.clone()))
        .with_master(Arc::new(secrets.clone()), "acme")
        .with_room(16);
    let vault = Vault::open(&place, LOG, Absent::Make, |_| true).expect("a sound disk");
    let (ada, _) = registered(&vault, 1, "Ada");
    drop(vault);
    rotate(&place, LOG).expect("rotated");
    assert_eq!(secrets.file_names(), ["acme"]);
    assert_eq!(keys.file_names(), ["keys", "lock"]);
    let vault = Vault::open(&place, LOG, Absent::Make, |_| true).expect("a sound disk");
    assert!(reads(&vault.ring(), &ada, "Ada"));
}
