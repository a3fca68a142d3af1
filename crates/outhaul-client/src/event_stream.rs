//! An answer that is a stream of server-sent events.

use std::collections::VecDeque;

use crate::client::ByteStream;
use crate::error::ClientError;
use crate::sse::{SseEvent, SseParser};

/// Events as they arrive over one connection.
#[derive(Debug)]
pub struct EventStream {
    bytes: ByteStream,
    parser: SseParser,
    ready: VecDeque<SseEvent>,
}

impl EventStream {
    pub(crate) fn new(bytes: ByteStream) -> Self {
        Self {
            bytes,
            parser: SseParser::default(),
            ready: VecDeque::new(),
        }
    }

    /// The next event; `None` when the connection ended. A stream that ended by itself has sent `end` before. May be
    /// dropped and called again at any await point without losing an event.
    ///
    /// # Errors
    /// When the connection breaks, or an event is too long to read.
    pub async fn next(&mut self) -> Result<Option<SseEvent>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(bytes) = self.bytes.next().await? else {
                return Ok(None);
            };
            let ready = &mut self.ready;
            self.parser
                .push(&bytes, |event| ready.push_back(event))
                .map_err(|error| ClientError::Protocol(error.to_string()))?;
        }
    }
}
