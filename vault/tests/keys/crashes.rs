//! Power cuts: what was kept is there, what was destroyed is gone, and the rest harms nothing.

use event_log::sim::SimDisk;
use schemas::StreamId;
use schemas::fields::Erasure;
use schemas::personal::SealedText;
use vault::{Absent, Opened, Vault, rotate};

use crate::book::{LOG, customer, open, place, reads, try_registered};

/// What was acknowledged before the power went.
#[derive(Default)]
struct Told {
    kept: Vec<(u128, SealedText)>,
    erased: Vec<u128>,
    /// Said so to the log and not yet carried out.
    erasing: Option<u128>,
}

fn name(n: u128) -> String {
    format!("Customer {n}")
}

/// Registers, erases and rotates until the power goes.
fn live(disk: &SimDisk, told: &mut Told, from: u128) {
    let is_known = |stream: StreamId| match stream {
        StreamId::Customer(id) => told.kept.iter().any(|(n, _)| customer(*n) == id),
        StreamId::Book => true,
    };
    let Ok(vault) = Vault::open(&place(disk), LOG, Absent::Make, is_known) else { return };
    for n in from..from + 12 {
        let Ok((own, _)) = try_registered(&vault, n, &name(n)) else { return };
        told.kept.push((n, own));
        if n % 3 == 0 {
            let gone = n - 1;
            told.erasing = Some(gone);
            if vault.erase([(customer(gone), Erasure::All)]).is_err() {
                return;
            }
            told.erasing = None;
            told.erased.push(gone);
        }
    }
    drop(vault);
    let _cut_off = rotate(&place(disk), LOG);
}

fn check(disk: &SimDisk, told: &mut Told) {
    let vault = open(disk);
    let ring = vault.ring();
    for (n, own) in &told.kept {
        let expected = if told.erased.contains(n) {
            Opened::Erased
        } else if told.erasing == Some(*n) {
            // Gone or there: the log knows, and what it says is carried out when it is opened.
            continue;
        } else {
            Opened::Text(name(*n))
        };
        assert_eq!(ring.open(own), expected, "customer {n}");
    }
    if let Some(gone) = told.erasing.take() {
        vault.erase([(customer(gone), Erasure::All)]).expect("a sound disk");
        told.erased.push(gone);
        let own = told.kept.iter().find(|(n, _)| *n == gone).map(|(_, own)| own);
        assert!(own.is_none_or(|own| ring.open(own) == Opened::Erased));
    }
}

fn play(seed: u64, honest: bool) {
    let disk = SimDisk::new(seed);
    drop(open(&disk));
    let mut told = Told::default();
    for life in 0..6 {
        disk.set_syncs_ignored(!honest);
        disk.cut_power_after(1 + (seed * 7 + life * 13) % 90);
        live(&disk, &mut told, 1 + u128::from(life) * 100);
        disk.crash();
        disk.set_syncs_ignored(false);
        check(&disk, &mut told);
    }
}

#[test]
fn after_a_power_cut_kept_keys_are_there_and_destroyed_ones_are_gone() {
    for seed in 0..120 {
        play(seed, true);
    }
}

#[test]
fn a_disk_whose_syncs_only_pretend_is_found_out() {
    let caught = (0..40).any(|seed| std::panic::catch_unwind(|| play(seed, false)).is_err());
    assert!(caught, "or the test above tests nothing");
}

#[test]
fn nothing_is_kept_after_a_failed_sync() {
    let disk = SimDisk::new(3);
    let vault = open(&disk);
    let (own, _) = try_registered(&vault, 1, "Ada").expect("a sound disk");
    disk.fail_sync(1);
    assert!(try_registered(&vault, 2, "Eve").is_err());
    assert!(try_registered(&vault, 3, "Bob").is_err(), "the vault is of no more use");
    assert!(reads(&vault.ring(), &own, "Ada"));
}

#[test]
fn a_thousand_new_keys_cost_one_sync() {
    let disk = SimDisk::new(3);
    let place = place(&disk).with_room(4_096);
    let vault = Vault::open(&place, LOG, Absent::Make, |_| true).expect("a sound disk");
    let sealings: Vec<_> =
        (0..500).map(|n| crate::book::seal(&vault, &mut crate::book::register(n, "Ada"))).collect();
    let before = disk.syncs();
    vault.keep(sealings.iter().flat_map(|sealing| &sealing.fresh)).expect("kept");
    assert_eq!(disk.syncs() - before, 1);
    assert_eq!(vault.counts().expect("readable").live, 1_000);
}
