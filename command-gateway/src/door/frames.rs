//! Frames on a stream, as they are read by the server.

use std::io;
use std::time::Duration;

use schemas::wire::{Frame, MAX_FRAME_BYTES};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// The id of a frame whose id could not be read.
pub(super) const NO_ID: u64 = 0;
/// Bytes of a frame's id.
const ID_BYTES: usize = 8;
/// Frames beyond the limit are skipped up to here; what claims to be longer ends the connection.
const MAX_SKIPPED_BYTES: u64 = 64 << 20;
/// How long the rest of a frame may take.
const FRAME_TIME: Duration = Duration::from_secs(30);

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A frame.
    Frame(Frame),
    /// Bytes of the right length that are no frame. The next frame can be read.
    NoFrame { id: u64, why: &'static str },
    /// A frame over the limit, skipped. The next frame can be read.
    TooLong { id: u64, bytes: u64 },
    /// Where frames start is no longer known.
    Lost { why: &'static str },
    /// The other side is done.
    End,
}

/// Reads the next frame.
pub(super) async fn next(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Incoming> {
    let mut length = [0; 4];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(Incoming::End);
    }
    let rest = async {
        stream.read_exact(&mut length[1..]).await?;
        rest_of(stream, u64::from(u32::from_be_bytes(length))).await
    };
    match timeout(FRAME_TIME, rest).await {
        Ok(read) => read,
        Err(_) => Ok(Incoming::Lost { why: "the rest of a frame did not come in time" }),
    }
}

async fn rest_of(stream: &mut (impl AsyncRead + Unpin), bytes: u64) -> io::Result<Incoming> {
    if bytes > MAX_SKIPPED_BYTES {
        return Ok(Incoming::Lost { why: "a frame's length is beyond anything that is read" });
    }
    if bytes > MAX_FRAME_BYTES as u64 {
        let id = stream.read_u64().await?;
        let left = bytes - ID_BYTES as u64;
        let skipped = tokio::io::copy(&mut stream.take(left), &mut tokio::io::sink()).await?;
        return Ok(if skipped == left { Incoming::TooLong { id, bytes } } else { Incoming::End });
    }
    // The buffer grows with what arrives, so that a length alone takes no memory.
    let mut frame = Vec::new();
    if stream.take(bytes).read_to_end(&mut frame).await? as u64 != bytes {
        return Ok(Incoming::End);
    }
    Ok(match Frame::from_bytes(&frame) {
        Ok(frame) => Incoming::Frame(frame),
        Err(error) => {
            let id = frame.first_chunk().map_or(NO_ID, |id| u64::from_be_bytes(*id));
            Incoming::NoFrame { id, why: error.0 }
        }
    })
}
