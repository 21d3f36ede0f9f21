//! Keys that are not there or are damaged: nothing takes their place unasked, nobody is locked out,
//! and no key survives its destruction.

use event_log::sim::SimDisk;
use schemas::command::RetirePlan;
use schemas::fields::Erasure;
use schemas::ids::{CommandId, PlanId};
use schemas::{Command, Personal};
use vault::{Absent, CopyError, Opened, Vault, VaultError, backup, counts, init, rotate};

use crate::book::{LOG, customer, id, open, place, reads, register, registered, reverse, seal};

const FIRST_SLOT: usize = 512;
const SLOT: usize = 128;

fn slot(disk: &SimDisk, number: usize) -> Vec<u8> {
    let bytes = disk.file_bytes("keys").expect("keys");
    bytes[FIRST_SLOT + number * SLOT..][..SLOT].to_vec()
}

/// Flips a bit of a slot.
fn damage(disk: &SimDisk, number: usize, at: usize) {
    let mut bytes = disk.file_bytes("keys").expect("keys");
    bytes[FIRST_SLOT + number * SLOT + at] ^= 1;
    disk.set_file_bytes("keys", &bytes);
}

/// Whether bytes of the wrapped key of `before` are still in the slot.
fn holds_key(disk: &SimDisk, number: usize, before: &[u8]) -> bool {
    slot(disk, number)[68..116] == before[68..116]
}

#[test]
fn missing_keys_are_refused_where_something_may_be_sealed_and_made_only_on_demand() {
    // given
    let disk = SimDisk::new(1);
    let (ada, _) = registered(&open(&disk), 1, "Ada");
    let again = init(&place(&disk), LOG);
    assert!(matches!(again, Err(VaultError::AlreadyThere { .. })), "{again:?}");
    disk.remove_file("keys");
    disk.remove_file("master");
    // when
    let refused = Vault::open(&place(&disk), LOG, Absent::Refuse, |_| true);
    // then
    let Err(error @ VaultError::NoKeys { .. }) = refused else { panic!("{refused:?}") };
    for way_out in ["billfold keys restore COPY", "billfold keys init"] {
        assert!(error.to_string().contains(way_out), "{error}");
    }
    assert!(matches!(counts(&place(&disk), LOG), Err(VaultError::NoKeys { .. })));
    assert!(matches!(rotate(&place(&disk), LOG), Err(VaultError::NoKeys { .. })));
    assert!(!disk.file_names().iter().any(|name| name.starts_with(['k', 'm'])));
    // when
    init(&place(&disk), LOG).expect("made");
    // then
    let vault = Vault::open(&place(&disk), LOG, Absent::Refuse, |_| true).expect("there are keys");
    assert_eq!(vault.ring().open(&ada), Opened::Unknown);
    let (eve, _) = registered(&vault, 2, "Eve");
    assert!(reads(&vault.ring(), &eve, "Eve"));
}

#[test]
fn keys_whose_master_key_is_not_here_are_neither_counted_nor_copied() {
    // given
    let disk = SimDisk::new(1);
    registered(&open(&disk), 1, "Ada");
    let master = disk.file_bytes("master").expect("a master key");
    let other = SimDisk::new(2);
    init(&place(&other), LOG).expect("made");
    for instead in [None, other.file_bytes("master"), Some(b"nothing".to_vec())] {
        disk.remove_file("master");
        if let Some(bytes) = &instead {
            disk.set_file_bytes("master", bytes);
        }
        // when
        let counted = counts(&place(&disk), LOG);
        let copies = [true, false].map(|with| backup(&place(&disk), LOG, with, &mut Vec::new()));
        // then
        let Err(error @ VaultError::Master { .. }) = counted else { panic!("{counted:?}") };
        for way_out in ["--master-keys", "billfold keys restore COPY --identity FILE"] {
            assert!(error.to_string().contains(way_out), "{error}");
        }
        for copy in copies {
            assert!(matches!(copy, Err(CopyError::Keys(VaultError::Master { .. }))), "{copy:?}");
        }
    }
    disk.set_file_bytes("master", &master);
    assert_eq!(counts(&place(&disk), LOG).expect("whole").live, 2);
}

#[test]
fn a_key_that_the_master_key_does_not_open_is_damaged_though_its_checksum_holds() {
    let disk = SimDisk::new(1);
    registered(&open(&disk), 1, "Ada");
    let mut bytes = disk.file_bytes("keys").expect("keys");
    bytes[FIRST_SLOT + 80] ^= 1;
    let sum = crc32c::crc32c(&bytes[FIRST_SLOT + 40..FIRST_SLOT + 124]);
    bytes[FIRST_SLOT + 124..FIRST_SLOT + SLOT].copy_from_slice(&sum.to_le_bytes());
    disk.set_file_bytes("keys", &bytes);
    let found = counts(&place(&disk), LOG).expect("readable");
    assert_eq!((found.live, found.damaged), (1, 1));
}

#[test]
fn a_slot_whose_name_is_damaged_is_overwritten_whole_and_counted() {
    // given
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let (ada, _) = registered(&vault, 1, "Ada");
    let (eve, _) = registered(&vault, 2, "Eve");
    drop(vault);
    let before = slot(&disk, 0);
    damage(&disk, 0, 5);
    assert_eq!(counts(&place(&disk), LOG).expect("readable").damaged, 1);
    assert!(holds_key(&disk, 0, &before));
    // when
    let vault = open(&disk);
    // then
    assert!(!holds_key(&disk, 0, &before), "nobody could find it any more to destroy it");
    assert_eq!(vault.counts().expect("readable").damaged, 1);
    assert_eq!(vault.ring().open(&ada), Opened::Unknown);
    assert!(reads(&vault.ring(), &eve, "Eve"));
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    drop(vault);
    assert_eq!(open(&disk).counts().expect("readable").damaged, 1, "and it is said once more");
}

#[test]
fn an_erasure_overwrites_a_slot_that_was_damaged_since_the_keys_were_opened() {
    for at in [5, 80] {
        let disk = SimDisk::new(1);
        let vault = open(&disk);
        registered(&vault, 1, "Ada");
        let before = slot(&disk, 0);
        damage(&disk, 0, at);
        vault.erase([(customer(1), Erasure::All)]).expect("erased");
        let after = slot(&disk, 0);
        // A byte of the random ones that were there may be what it is overwritten with.
        assert!(after[68..116].iter().all(|byte| *byte == after[68]), "at {at}");
        assert!(!holds_key(&disk, 0, &before), "at {at}");
        assert!(seal(&vault, &mut register(1, "Ada")).is_void, "it gets no other key");
    }
}

#[test]
fn a_damaged_key_of_a_record_is_counted_after_the_keys_were_opened_too() {
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let mut command: Command = RetirePlan { plan: PlanId::new(id(3)) }.into();
    let mut reason = Some(Personal::Clear("Ada asked".to_owned()));
    let sealing = vault.seal(&mut command, &mut reason, CommandId::new(id(5))).expect("sealed");
    vault.keep(sealing.fresh.iter()).expect("kept");
    drop(vault);
    damage(&disk, 0, 80);
    for _ in 0..2 {
        let vault = Vault::open(&place(&disk), LOG, Absent::Refuse, |_| false).expect("opened");
        assert_eq!(vault.counts().expect("readable").damaged, 1);
    }
}

#[test]
fn where_a_key_is_damaged_texts_are_sealed_with_another() {
    // given
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let (ada, document) = registered(&vault, 1, "Ada");
    damage(&disk, 0, 80);
    damage(&disk, 1, 80);
    // when
    let (again, _) = registered(&vault, 1, "Ada King");
    let sealing = seal(&vault, &mut reverse(1, "bounced"));
    // then
    assert!(!sealing.is_void && sealing.fresh.is_empty(), "it is kept like every other");
    assert_ne!(again.key, ada.key);
    assert!(reads(&vault.ring(), &again, "Ada King"));
    assert_eq!(vault.ring().open(&document), Opened::Unknown);
    assert_eq!(vault.counts().expect("readable").damaged, 2);
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    for text in [ada, document, again] {
        assert_eq!(vault.ring().open(&text), Opened::Erased);
    }
    assert_eq!(vault.counts().expect("readable").damaged, 0);
    assert!(seal(&vault, &mut register(1, "Ada")).is_void);
}
