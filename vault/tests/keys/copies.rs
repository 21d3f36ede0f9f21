//! Copies of keys: with their master key and without, into an empty place and beside others.

use event_log::sim::SimDisk;
use schemas::fields::Erasure;
use vault::{
    CopyError, Counts, MasterKey, Opened, Restored, VaultError, backup, counts, init, restore,
};

use crate::book::{LOG, customer, open, place, reads, registered};

fn copied(disk: &SimDisk, with_master: bool) -> Vec<u8> {
    let mut copy = Vec::new();
    backup(&place(disk), LOG, with_master, &mut copy).expect("copied");
    copy
}

fn put_back(disk: &SimDisk, copy: &[u8]) -> Result<Restored, CopyError> {
    put_back_but(disk, copy, &[])
}

/// Puts a copy back into a book whose log says that these customers were erased.
fn put_back_but(disk: &SimDisk, copy: &[u8], erased: &[u128]) -> Result<Restored, CopyError> {
    let erased = erased.iter().map(|n| (customer(*n), Erasure::All)).collect();
    restore(&place(disk), LOG, || Ok(copy), None, || Ok(erased))
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
    assert_eq!(ring.open(&eve), Opened::Erased);
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
    let place = place(&SimDisk::new(2));
    let nobody = || Ok::<_, CopyError>(Vec::new());
    let other = restore(&place, [1; 16], || Ok(&copy[..]), None, nobody);
    assert!(matches!(other, Err(CopyError::OtherLog)));
    for nothing in [b"".as_slice(), &[7; 300]] {
        assert!(matches!(put_back(&SimDisk::new(2), nothing), Err(CopyError::NoCopy)));
    }
}

#[test]
fn nobody_who_was_erased_is_live_on_the_disk_at_any_moment_of_a_restore() {
    // given
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let (ada, document) = registered(&vault, 1, "Ada");
    let (eve, _) = registered(&vault, 2, "Eve");
    drop(vault);
    let copy = copied(&disk, true);
    let mut cuts = 0;
    loop {
        // when
        let empty = SimDisk::new(2 + cuts);
        empty.cut_power_after(1 + cuts);
        let restored = put_back_but(&empty, &copy, &[1]);
        empty.crash();
        cuts += 1;
        // then
        if empty.file_bytes("keys").is_some() {
            let ring = open(&empty).ring();
            for text in [&ada, &document] {
                assert_ne!(ring.open(text), Opened::Text("Ada".to_owned()), "cut {cuts}");
            }
        }
        if let Ok(restored) = restored {
            assert_eq!(restored, Restored { added: 2, erased: 2, ..Restored::default() });
            let ring = open(&empty).ring();
            assert_eq!([ring.open(&ada), ring.open(&document)], [Opened::Erased, Opened::Erased]);
            assert!(reads(&ring, &eve, "Eve"));
            break;
        }
    }
    assert!(cuts > 5, "it was cut off at every step");
}

#[test]
fn a_destroyed_key_is_counted_once_whatever_copy_is_put_back() {
    // given: one customer whose keys are destroyed in the copy, one who was erased since, one left
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    for n in 1..=3 {
        registered(&vault, n, "Ada");
    }
    vault.erase([(customer(1), Erasure::All)]).expect("erased");
    let copy = copied(&disk, true);
    vault.erase([(customer(2), Erasure::All)]).expect("erased");
    drop(vault);
    let empty = SimDisk::new(2);
    let noted = SimDisk::new(3);
    init(&place(&noted), LOG).expect("made");
    let erased = [1, 2].map(|n| (customer(n), Erasure::All));
    open(&noted).erase(erased).expect("nobody has a key here");
    for disk in [disk, empty, noted] {
        for _ in 0..2 {
            // when
            put_back_but(&disk, &copy, &[1, 2]).expect("restored");
            // then
            let Counts { live, destroyed, damaged } = counts(&place(&disk), LOG).expect("sound");
            assert_eq!((live, destroyed, damaged), (2, 4, 0));
        }
    }
    // when nobody knows more than the copy
    let other = SimDisk::new(4);
    put_back_but(&other, &copy, &[1, 2, 4]).expect("restored");
    // then: who has no key anywhere is noted as well, and no key lies there twice
    assert_eq!(counts(&place(&other), LOG).expect("sound").destroyed, 6);
    let mut again = Vec::new();
    assert_eq!(backup(&place(&other), LOG, true, &mut again).expect("copied"), 8);
}

#[test]
fn nothing_is_put_back_before_it_is_known_who_was_erased() {
    let disk = SimDisk::new(1);
    registered(&open(&disk), 1, "Ada");
    let copy = copied(&disk, true);
    let empty = SimDisk::new(2);
    let refused = restore(
        &place(&empty),
        LOG,
        || Ok(&copy[..]),
        None,
        || {
            assert_eq!(
                empty.file_names(),
                ["lock"],
                "who writes is kept away, and no key is there"
            );
            Err(CopyError::Copy(std::io::ErrorKind::Other.into()))
        },
    );
    assert!(matches!(refused, Err(CopyError::Copy(_))));
    assert_eq!(empty.file_names(), ["lock"]);
}

#[test]
fn a_copy_that_was_cut_or_changed_puts_nothing_back() {
    let disk = SimDisk::new(1);
    registered(&open(&disk), 1, "Ada");
    let copy = copied(&disk, true);
    let empty = SimDisk::new(2);
    for length in [72, 100, 72 + 128, copy.len() - 128, copy.len() - 1] {
        let cut = put_back(&empty, &copy[..length]);
        assert!(matches!(cut, Err(CopyError::Cut)), "{length}: {cut:?}");
    }
    for at in (72..copy.len()).step_by(31) {
        let mut changed = copy.clone();
        changed[at] ^= 1;
        assert!(matches!(put_back(&empty, &changed), Err(CopyError::Cut)), "byte {at}");
    }
    let longer = [copy.as_slice(), &[0]].concat();
    assert!(matches!(put_back(&empty, &longer), Err(CopyError::Cut)));
    assert_eq!(empty.file_names(), Vec::<String>::new());
}

#[test]
fn a_key_file_whose_head_is_damaged_is_set_aside_for_the_copy() {
    let disk = SimDisk::new(1);
    let (ada, _) = registered(&open(&disk), 1, "Ada");
    let copy = copied(&disk, false);
    let mut bytes = disk.file_bytes("keys").expect("keys");
    bytes[9] ^= 1;
    disk.set_file_bytes("keys", &bytes);
    let refused = vault::Vault::open(&place(&disk), LOG, vault::Absent::Refuse, |_| true);
    assert!(matches!(refused, Err(VaultError::Damaged { .. })));
    assert_eq!(put_back(&disk, &copy).expect("restored").added, 2);
    assert!(reads(&open(&disk).ring(), &ada, "Ada"));
    assert_eq!(disk.file_bytes("keys.bad"), Some(bytes));
}

#[test]
fn a_copy_of_another_master_key_is_put_back_with_the_file_of_that() {
    // given
    let disk = SimDisk::new(1);
    let (ada, _) = registered(&open(&disk), 1, "Ada");
    let copy = copied(&disk, false);
    let line = disk.file_bytes("master").expect("a master key");
    let read = |line: &[u8]| MasterKey::read(&mut &line[..]).expect("readable");
    let other = SimDisk::new(2);
    init(&place(&other), LOG).expect("made");
    let stranger = read(&other.file_bytes("master").expect("a master key"));
    let nobody = || Ok::<_, CopyError>(Vec::new());
    let put_back =
        |master: Option<&MasterKey>| restore(&place(&other), LOG, || Ok(&copy[..]), master, nobody);
    // when and then
    assert!(matches!(put_back(None), Err(CopyError::NoMaster)));
    assert!(matches!(put_back(stranger.as_ref()), Err(CopyError::OtherMaster)));
    assert!(read(b"billfold-master-1 00").is_none());
    assert_eq!(put_back(read(&line).as_ref()).expect("restored").added, 2);
    assert!(reads(&open(&other).ring(), &ada, "Ada"));
}
