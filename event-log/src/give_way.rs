//! Threads whose work may wait give way to those that somebody waits for.

/// How much later such a thread gets a processor that others want, from 0 to 19.
const NICE: i32 = 5;

/// From now on the calling thread gets a processor that is wanted by others later than they.
///
/// *Limits.* A system that has no priorities of threads, or allows no change of them, serves all
/// alike: nothing depends on it but how long others wait.
pub fn give_way() {
    let _as_before = rustix::process::setpriority_process(None, NICE);
}
