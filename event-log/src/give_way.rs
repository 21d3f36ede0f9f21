//! Threads whose work may wait give way to those that somebody waits for.

/// From now on the calling thread gets a processor that is wanted by others later than they: a
/// little (1) up to only where nobody else wants it (19).
///
/// *Limits.* A system that has no priorities of threads, or allows no change of them, serves all
/// alike: nothing depends on it but how long others wait.
pub fn give_way(nice: i32) {
    let _as_before = rustix::process::setpriority_process(None, nice);
}
