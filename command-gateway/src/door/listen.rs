//! Listening: one socket file for a process, and its connections.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::wire::MAX_IN_FLIGHT;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::connection::Connection;
use crate::queue::Places;
use crate::router::Router;

/// How much a socket takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorLimits {
    /// Connections; more are closed at once.
    pub connections: usize,
    /// Requests under way on one connection.
    pub in_flight: usize,
    /// Requests under way on all connections.
    pub server_in_flight: usize,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self { connections: 256, in_flight: MAX_IN_FLIGHT, server_in_flight: 4_096 }
    }
}

/// Why the socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Another process listens there.
    #[error("{} is served by another process; stop that one first", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// There is a file of another kind.
    #[error("{} is no socket; move it away, or choose another path", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The system said no.
    #[error("{} cannot be listened on", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// A socket that is listened on. Its file goes when this does.
#[derive(Debug)]
pub struct SocketDoor {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
    limits: DoorLimits,
}

impl SocketDoor {
    /// Listens on the socket file `path`, which only this user can use. One that a dead process
    /// left is replaced; one that answers is not.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn bind(path: impl AsRef<Path>, limits: DoorLimits) -> Result<Self, DoorError> {
        let path = path.as_ref().to_path_buf();
        let failed = |source| DoorError::Io { path: path.clone(), source };
        refuse_if_taken(&path).await?;
        // Made under another name and closed to others before anyone can find it.
        let fresh = fresh_name(&path);
        remove_if_there(&fresh).map_err(failed)?;
        let listener = UnixListener::bind(&fresh).map_err(failed)?;
        let placed = fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))
            .and_then(|()| fs::metadata(&fresh))
            .and_then(|there| fs::rename(&fresh, &path).map(|()| there.ino()));
        let inode = placed.map_err(failed)?;
        tracing::info!(path = %path.display(), "listening");
        Ok(Self { listener, path, inode, limits })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `status` calls the requests under way.
    fn queue_name(&self) -> String {
        let file = self.path.file_name().unwrap_or_default();
        format!("socket {}", file.to_string_lossy())
    }

    /// Serves until `closing` says so. Requests under way are then still answered.
    pub async fn serve(self, router: Arc<Router>, mut closing: watch::Receiver<bool>) {
        let server_in_flight = Places::new(self.queue_name(), self.limits.server_in_flight);
        let gauge = server_in_flight.clone();
        router.watch_queue(move || gauge.status());
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = closing.wait_for(|closing| *closing) => break,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) if connections.len() < self.limits.connections => {
                    let connection = Connection {
                        router: Arc::clone(&router),
                        in_flight: Arc::new(Semaphore::new(self.limits.in_flight)),
                        server_in_flight: server_in_flight.clone(),
                        closing: closing.clone(),
                    };
                    connections.spawn(connection.serve(stream));
                }
                Ok(_) => tracing::warn!("a connection is refused, there are too many"),
                Err(error) => {
                    // Out of descriptors, most likely: leave time for some to close.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
        drop(self);
        connections.join_all().await;
    }
}

impl Drop for SocketDoor {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|there| there.ino() == self.inode);
        if ours {
            // One that stays behind is found to be dead by the next process.
            let _left = fs::remove_file(&self.path);
        }
    }
}

async fn refuse_if_taken(path: &Path) -> Result<(), DoorError> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            return Err(DoorError::NotASocket { path: path.to_path_buf() });
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(DoorError::Io { path: path.to_path_buf(), source }),
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // It answers, or it is too busy to: either way someone is there.
        Ok(_) | Err(_) => Err(DoorError::InUse { path: path.to_path_buf() }),
    }
}

fn fresh_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
