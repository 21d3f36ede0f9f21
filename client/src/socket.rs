//! Asking over the socket, from a thread that may block.

use std::collections::HashMap;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::Problem;
use schemas::wire::{
    Batch, BatchAnswer, BatchReply, Frame, FrameError, Headers, MAX_FRAME_BYTES, Message, Reply,
    header,
};

/// How often a request is sent again that met *busy*.
const ATTEMPTS: u32 = 10;
/// The longest pause before that.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why a request got no reply.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody listens on the socket.
    #[error("no server listens on {}; start one with `billfold up`", path.display())]
    NoServer {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The connection broke: a command that was sent may be durable or not.
    #[error("the connection to the server broke; send commands again with the same ids")]
    Broken(#[source] io::Error),
    /// The server sent what is no frame.
    #[error("the server sent what cannot be read: {0}")]
    Frame(FrameError),
    /// The server's answer is not what was asked for.
    #[error("the server's answer cannot be read: {0}")]
    Answer(#[source] serde_json::Error),
}

/// One connection to a server.
///
/// Requests may be sent ahead ([`SocketClient::send`]) and replies taken in any order
/// ([`SocketClient::receive`]), or both at once ([`SocketClient::call`]).
#[derive(Debug)]
pub struct SocketClient {
    reader: BufReader<UnixStream>,
    writer: BufWriter<UnixStream>,
    next_id: u64,
    /// Replies that came while another was waited for.
    early: HashMap<u64, Reply>,
}

impl SocketClient {
    /// Connects to the server whose socket is at `path`.
    ///
    /// # Errors
    /// [`SocketError::NoServer`].
    pub fn connect(path: impl AsRef<Path>) -> Result<Self, SocketError> {
        let path = path.as_ref();
        let no_server = |source| SocketError::NoServer { path: path.to_path_buf(), source };
        let stream = UnixStream::connect(path).map_err(no_server)?;
        let reader = BufReader::with_capacity(64 * 1024, stream.try_clone().map_err(no_server)?);
        let writer = BufWriter::with_capacity(64 * 1024, stream);
        Ok(Self { reader, writer, next_id: 1, early: HashMap::new() })
    }

    /// How long a reply may take; for ever if none.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.reader.get_ref().set_read_timeout(timeout)
    }

    /// Sends a request ahead. It may wait in this client's buffer until [`SocketClient::flush`], or
    /// until a reply is waited for.
    ///
    /// # Errors
    /// [`SocketError::Broken`].
    pub fn send(&mut self, message: &Message) -> Result<u64, SocketError> {
        let id = self.next_id;
        self.next_id += 1;
        let frame = Frame {
            id,
            subject: Some(message.subject.clone()),
            headers: message.headers.clone(),
            body: message.body.clone(),
        };
        self.writer.write_all(&frame.with_length()).map_err(SocketError::Broken)?;
        Ok(id)
    }

    /// Sends what waits in the buffer.
    ///
    /// # Errors
    /// [`SocketError::Broken`].
    pub fn flush(&mut self) -> Result<(), SocketError> {
        self.writer.flush().map_err(SocketError::Broken)
    }

    /// The next reply, with the id of its request.
    ///
    /// # Errors
    /// [`SocketError::Broken`], [`SocketError::Frame`].
    pub fn receive(&mut self) -> Result<(u64, Reply), SocketError> {
        if let Some(id) = self.early.keys().next().copied()
            && let Some(reply) = self.early.remove(&id)
        {
            return Ok((id, reply));
        }
        self.flush()?;
        self.read_frame()
    }

    /// Sends a request and waits for its reply. A problem is a reply.
    ///
    /// # Errors
    /// [`SocketError::Broken`], [`SocketError::Frame`].
    pub fn call(&mut self, message: &Message) -> Result<Reply, SocketError> {
        let id = self.send(message)?;
        self.flush()?;
        if let Some(reply) = self.early.remove(&id) {
            return Ok(reply);
        }
        loop {
            let (found, reply) = self.read_frame()?;
            if found == id {
                return Ok(reply);
            }
            self.early.insert(found, reply);
        }
    }

    /// As [`SocketClient::call`]; a reply that says when to try again is obeyed, some times. The
    /// request stays the same, command id and all.
    ///
    /// # Errors
    /// As [`SocketClient::call`].
    pub fn call_patiently(&mut self, message: &Message) -> Result<Reply, SocketError> {
        let mut reply = self.call(message)?;
        for attempt in 1..ATTEMPTS {
            let Some(pause) = pause_of(&reply, attempt) else { break };
            std::thread::sleep(pause);
            reply = self.call(message)?;
        }
        Ok(reply)
    }

    /// Sends a batch until every command has its answer: what a reply left out, and what was
    /// *busy*, is sent again with the same ids.
    ///
    /// # Errors
    /// As [`SocketClient::call`]; the outer problem is one of the whole request.
    pub fn batch(
        &mut self,
        subject: &str,
        headers: &Headers,
        mut batch: Batch,
    ) -> Result<Result<Vec<BatchAnswer>, Problem>, SocketError> {
        let mut answers = Vec::with_capacity(batch.commands.len());
        let mut attempts = 0;
        // What is sent again later still belongs to this batch.
        let mut headers = headers.clone();
        if let Some(id) = batch.derived_id() {
            headers.entry(header::BATCH.to_owned()).or_insert_with(|| id.to_string());
        }
        while !batch.commands.is_empty() {
            let body = serde_json::to_vec(&batch).map_err(SocketError::Answer)?;
            let message = Message { subject: subject.to_owned(), headers: headers.clone(), body };
            let reply = self.call_patiently(&message)?;
            if reply.is_problem() {
                return Ok(Err(serde_json::from_slice(&reply.body).map_err(SocketError::Answer)?));
            }
            let reply: BatchReply =
                serde_json::from_slice(&reply.body).map_err(SocketError::Answer)?;
            let busy = reply.answers.iter().position(|answer| retry_after(answer).is_some());
            let pause = busy.and_then(|index| retry_after(&reply.answers[index]));
            attempts = if busy == Some(0) { attempts + 1 } else { 0 };
            let taken = match busy {
                Some(index) if attempts < ATTEMPTS => index,
                Some(_) | None => reply.answers.len(),
            };
            if taken == 0 && pause.is_none() {
                return Err(SocketError::Frame(FrameError("the batch reply answers nothing")));
            }
            answers.extend(reply.answers.into_iter().take(taken));
            batch.commands.drain(..taken);
            if let Some(pause) = pause {
                std::thread::sleep(pause.min(LONGEST_PAUSE));
            }
        }
        Ok(Ok(answers))
    }

    fn read_frame(&mut self) -> Result<(u64, Reply), SocketError> {
        let mut length = [0; 4];
        self.reader.read_exact(&mut length).map_err(SocketError::Broken)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(SocketError::Frame(FrameError("the frame is longer than any reply")));
        }
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).map_err(SocketError::Broken)?;
        let frame = Frame::from_bytes(&bytes).map_err(SocketError::Frame)?;
        Ok((frame.id, Reply { headers: frame.headers, body: frame.body }))
    }
}

/// How long to wait before the request is sent again, if the reply says so.
pub(crate) fn pause_of(reply: &Reply, attempt: u32) -> Option<Duration> {
    if !reply.is_problem() {
        return None;
    }
    let problem: Problem = serde_json::from_slice(&reply.body).ok()?;
    let pause = Duration::from_millis(problem.retry_after_ms?);
    Some((pause * attempt).min(LONGEST_PAUSE))
}

fn retry_after(answer: &BatchAnswer) -> Option<Duration> {
    match answer {
        BatchAnswer::Problem(problem) => problem.retry_after_ms.map(Duration::from_millis),
        BatchAnswer::Accepted(_) => None,
    }
}
