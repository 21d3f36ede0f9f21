//! Keys that were made for commands under way and are in no file yet.
//!
//! A key becomes durable with the first commit that uses it. If no command that it was made for is
//! accepted, it is dropped with the last of them: refused commands leave nothing behind.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::key::{Key, random};
use crate::place::VaultError;
use crate::scope::KeyScope;
use crate::slot::Name;

/// A key that is in no file yet.
#[derive(Debug)]
pub struct FreshKey {
    pub(crate) name: Name,
    pub(crate) key: Key,
    /// It is in the file.
    pub(crate) kept: AtomicBool,
}

type Waiting = HashMap<KeyScope, Weak<FreshKey>>;

/// All such keys.
#[derive(Debug, Default)]
pub(crate) struct Fresh(Mutex<Waiting>);

impl Fresh {
    /// Entries are put in whole, so a panicking thread leaves a usable map.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The scope's key, made if no command under way has one.
pub(crate) fn of(waiting: &mut Waiting, scope: KeyScope) -> Result<Arc<FreshKey>, VaultError> {
    if let Some(key) = waiting.get(&scope).and_then(Weak::upgrade) {
        return Ok(key);
    }
    let id = scope.new_id(random()?);
    let (name, key) = (Name { scope, id }, Key::random()?);
    let key = Arc::new(FreshKey { name, key, kept: AtomicBool::new(false) });
    if waiting.len() == waiting.capacity() {
        waiting.retain(|_, key| key.strong_count() > 0);
    }
    waiting.insert(scope, Arc::downgrade(&key));
    Ok(key)
}
