//! `--metrics`: figures as Prometheus text, and whether the process is alive and ready.
//!
//! # Shape
//!
//! `/metrics` has every figure of `status`; names begin with `billfold_`, times are seconds, sizes
//! bytes. `/healthz` says whether the process can work at all, `/readyz` whether it should be
//! given work. It listens on the loopback interface only: figures name books, and nothing asks
//! who reads them.

mod samples;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::status::{ViewState, ViewStatus};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::reports::Reports;

/// A read model that is further behind makes the process not ready.
const READY_LAG_COMMITS: u64 = 100_000;
/// The content type of the text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An address on the loopback interface.
///
/// # Errors
/// A sentence for one that is elsewhere.
pub fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| format!("{text:?} is no address with a port; use 127.0.0.1:9464"))?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!("{address} is not on the loopback interface; use 127.0.0.1:{}", address.port()))
}

/// A port that is listened on.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Listens; on a free port if the address has port 0.
    ///
    /// # Errors
    /// What the system says when the port is taken.
    pub async fn on(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `closing` says so.
    pub async fn serve(self, reports: Arc<Reports>, mut closing: watch::Receiver<bool>) {
        let (metrics, health, ready) = (Arc::clone(&reports), Arc::clone(&reports), reports);
        let router = Router::new()
            .route("/metrics", get(move || answer(metrics, figures)))
            .route("/healthz", get(move || answer(health, healthz)))
            .route("/readyz", get(move || answer(ready, readyz)));
        let closed = async move {
            // A sender that is gone closes too.
            let _closed = closing.wait_for(|closing| *closing).await;
        };
        let served = axum::serve(self.listener, router).with_graceful_shutdown(closed).await;
        if let Err(error) = served {
            tracing::warn!(%error, "metrics are no longer served");
        }
    }
}

/// Figures are read from the log too, so they are gathered where that may take long.
async fn answer(reports: Arc<Reports>, make: fn(&Reports) -> Response) -> Response {
    tokio::task::spawn_blocking(move || make(&reports)).await.unwrap_or_else(|error| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
    })
}

fn figures(reports: &Reports) -> Response {
    match samples::text(reports) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn healthz(reports: &Reports) -> Response {
    said(&reports.stopped())
}

fn readyz(reports: &Reports) -> Response {
    let mut reasons = reports.stopped();
    if reports.books().is_empty() {
        reasons.push("no book is open".to_owned());
    }
    for (book, view) in reports.views() {
        reasons.extend(not_ready(&view).map(|why| format!("book {book}: {}: {why}", view.view)));
    }
    said(&reasons)
}

/// 200, or 503 with the reasons.
fn said(reasons: &[String]) -> Response {
    if reasons.is_empty() {
        return (StatusCode::OK, "ok\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n").into_response()
}

/// Why a read model is not ready, if so.
fn not_ready(view: &ViewStatus) -> Option<String> {
    if let Some(alarm) = view.alarms.first() {
        return Some(format!("alarm {}: {}", alarm.code, alarm.detail));
    }
    match view.state {
        ViewState::Failed => Some(view.reason.clone().unwrap_or_default()),
        ViewState::Rebuilding => {
            let percent = view.rebuild.as_ref().map_or(0, |rebuild| rebuild.percent);
            Some(format!("it is being built, {percent} % done"))
        }
        ViewState::Serving if view.lag_commits > READY_LAG_COMMITS => {
            Some(format!("it is {} commits behind", view.lag_commits))
        }
        ViewState::Serving => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stay_on_the_machine() {
        assert!(loopback("127.0.0.1:0").is_ok());
        assert!(loopback("[::1]:9464").is_ok());
        for elsewhere in ["0.0.0.0:9464", "192.168.0.1:9464", "localhost", "9464"] {
            assert!(loopback(elsewhere).is_err(), "{elsewhere}");
        }
    }
}
