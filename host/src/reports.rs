//! What a process can say about itself, for those who watch it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use command_gateway::{GatewayHandle, Router, admin};
use nats_connection::{HealthReport, NatsHealth};
use schemas::status::{Buckets, GatewayStatus, QueueStatus, ViewStatus};
use schemas::text::BookName;

use crate::view_door::ViewDoor;

/// Everything open in a process, to be looked at from any thread.
#[derive(Debug)]
pub struct Reports {
    router: Arc<Router>,
    open: Mutex<Vec<Opened>>,
    closed: Mutex<Vec<String>>,
    nats: OnceLock<Arc<NatsHealth>>,
}

/// One book that is open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) book: BookName,
    pub(crate) gateway: Option<GatewayHandle>,
    pub(crate) views: Vec<ViewDoor>,
}

/// Entries are put in whole, so a panicking thread leaves a usable list.
fn locked<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reports {
    pub(crate) fn new(router: Arc<Router>) -> Self {
        Self { router, open: Mutex::default(), closed: Mutex::default(), nats: OnceLock::new() }
    }

    pub(crate) fn add(&self, opened: Opened) {
        locked(&self.open).push(opened);
    }

    /// A book could not be opened; why.
    pub fn not_opened(&self, why: String) {
        locked(&self.closed).push(why);
    }

    /// The books that are open.
    pub fn books(&self) -> Vec<BookName> {
        locked(&self.open).iter().map(|one| one.book.clone()).collect()
    }

    /// Each gateway, with all its syncs since the start.
    pub fn gateways(&self) -> Vec<(GatewayStatus, Buckets)> {
        let open = locked(&self.open);
        let gateways = open.iter().filter_map(|one| one.gateway.as_ref());
        let status = |handle| (admin::status(handle, Vec::new()), handle.measures().blocks().syncs);
        gateways.map(status).collect()
    }

    /// Each read model.
    pub fn views(&self) -> Vec<(BookName, ViewStatus)> {
        let open = locked(&self.open);
        let views = open.iter().flat_map(|one| one.views.iter().map(|view| (&one.book, view)));
        views.map(|(book, view)| (book.clone(), view.service().status(view.queues()))).collect()
    }

    /// The connection to NATS that this process serves on.
    pub fn on_nats(&self, health: &Arc<NatsHealth>) {
        // A process has one connection: the first is the only one.
        let _there = self.nats.set(Arc::clone(health));
    }

    /// How the connection to NATS has been; none if there is none.
    pub fn nats(&self) -> Option<HealthReport> {
        self.nats.get().map(|health| health.report())
    }

    /// Queues of the doors.
    pub fn queues(&self) -> Vec<QueueStatus> {
        self.router.queues()
    }

    /// What does not work any more, in sentences.
    pub fn stopped(&self) -> Vec<String> {
        let mut stopped = locked(&self.closed).clone();
        for one in locked(&self.open).iter() {
            let why = one.gateway.as_ref().and_then(|handle| handle.progress().stopped());
            stopped
                .extend(why.map(|why| format!("the engine of book {} stopped: {why:?}", one.book)));
        }
        stopped
    }
}
