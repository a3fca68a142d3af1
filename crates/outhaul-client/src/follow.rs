//! A run's log or events until the run has ended, across lost connections and restarted servers, without a byte or an
//! event twice or missing.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outhaul_types::api::LogQuery;
use outhaul_types::log::LogFrame;
use outhaul_types::{ErrorCode, LogStream, Run, RunEvent};

use crate::client::Client;
use crate::error::ClientError;
use crate::event_stream::EventStream;
use crate::sse::SseEvent;

/// Called when no server answers any more; may start one.
pub type Reconnect<'a> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), ClientError>> + 'a>> + 'a>;

/// How often in a row a connection may be lost without anything new.
const MOST_LOSSES: u32 = 30;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Some bytes of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPiece {
    /// The stream that they belong to.
    pub stream: LogStream,
    /// Where they begin within their own stream.
    pub offset: u64,
    /// Where the next piece begins in the order that was asked for.
    pub next: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl LogPiece {
    pub(crate) fn of(frame: &LogFrame) -> Result<Self, ClientError> {
        let bytes = STANDARD
            .decode(&frame.data)
            .map_err(|_| ClientError::Protocol("a log frame's data is no base64".to_owned()))?;
        Ok(Self {
            stream: frame.stream,
            offset: frame.offset,
            next: frame.next,
            bytes,
        })
    }

    /// What of this piece lies behind `position`; `None` when nothing does, an error when bytes are missing before it.
    fn after(mut self, position: u64) -> Result<Option<Self>, Gap> {
        let begin = self.next.saturating_sub(self.bytes.len() as u64);
        if self.next <= position {
            return Ok(None);
        }
        if begin > position {
            return Err(Gap);
        }
        let known = position - begin;
        self.offset += known;
        self.bytes.drain(..usize::try_from(known).unwrap_or(usize::MAX));
        Ok(Some(self))
    }
}

/// Bytes or events between the last known position and what arrived are missing.
#[derive(Debug, PartialEq, Eq)]
struct Gap;

/// What a followed run tells.
#[derive(Debug)]
pub enum FollowItem {
    /// Some bytes of its log.
    Log(LogPiece),
    /// An entry of its event log.
    Event(RunEvent),
    /// The run as it stands now.
    Run(Box<Run>),
    /// The connection was lost, or the server is stopping; following goes on with the next call.
    Lost(String),
    /// There is no more; with the run if it has ended. The last item.
    End(Option<Box<Run>>),
}

enum What {
    Log(LogQuery),
    Events,
}

/// Follows one run. Dropping a call of [`Follow::next`] at any await point loses nothing.
pub struct Follow<'a> {
    client: &'a Client,
    run: String,
    what: What,
    /// Log: bytes seen. Events: position of the last event.
    position: u64,
    stream: Option<EventStream>,
    losses: u32,
    reconnect: Option<Reconnect<'a>>,
    ended: bool,
}

impl<'a> Follow<'a> {
    /// Follows the log of a run, from the query's offset on; to the run's end if the query says `follow`.
    #[must_use]
    pub fn log(client: &'a Client, run: impl Into<String>, query: LogQuery) -> Self {
        let position = query.offset.unwrap_or(0);
        Self::new(client, run.into(), What::Log(query), position)
    }

    /// Follows the events of a run after the position `after` to the run's end.
    #[must_use]
    pub fn events(client: &'a Client, run: impl Into<String>, after: u64) -> Self {
        Self::new(client, run.into(), What::Events, after)
    }

    const fn new(client: &'a Client, run: String, what: What, position: u64) -> Self {
        Self {
            client,
            run,
            what,
            position,
            stream: None,
            losses: 0,
            reconnect: None,
            ended: false,
        }
    }

    /// Calls `reconnect` when no server answers any more, and goes on when it succeeds.
    #[must_use]
    pub fn on_reconnect(mut self, reconnect: Reconnect<'a>) -> Self {
        self.reconnect = Some(reconnect);
        self
    }

    /// The next thing that the run tells; `None` after [`FollowItem::End`].
    ///
    /// # Errors
    /// When the server refuses, or the connection cannot be had again.
    pub async fn next(&mut self) -> Result<Option<FollowItem>, ClientError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let Some(stream) = &mut self.stream else {
                self.open().await?;
                continue;
            };
            let lost = match stream.next().await {
                Ok(Some(event)) => match self.read(&event)? {
                    Read::Item(item) => return Ok(Some(item)),
                    Read::Nothing => continue,
                    Read::Lost(why) => why,
                },
                Ok(None) => "the connection to the server ended".to_owned(),
                Err(error) if error.is_lost_connection() => error.to_string(),
                Err(error) => return Err(error),
            };
            self.stream = None;
            self.losses += 1;
            if self.losses > MOST_LOSSES {
                return Err(ClientError::Protocol(format!(
                    "following run `{}`: {lost}, again and again",
                    self.run
                )));
            }
            return Ok(Some(FollowItem::Lost(lost)));
        }
    }

    /// Opens the stream at the last position. A first failure is told at once; after a loss it is tried again.
    async fn open(&mut self) -> Result<(), ClientError> {
        if self.losses > 1 {
            tokio::time::sleep(pause(self.losses)).await;
        }
        let opened = match &self.what {
            What::Log(query) => {
                let query = LogQuery {
                    offset: Some(self.position),
                    ..query.clone()
                };
                self.client.log_events(&self.run, &query).await
            }
            What::Events => self.client.event_events(&self.run, Some(self.position)).await,
        };
        let error = match opened {
            Ok(stream) => {
                self.stream = Some(stream);
                return Ok(());
            }
            Err(error) => error,
        };
        let gone = error.is_lost_connection()
            || matches!(&error, ClientError::Api(error) if error.code == ErrorCode::Stopping);
        self.losses += 1;
        match &self.reconnect {
            Some(reconnect) if gone && self.losses <= MOST_LOSSES => reconnect().await,
            _ => Err(error),
        }
    }

    fn read(&mut self, event: &SseEvent) -> Result<Read, ClientError> {
        let wrong =
            |error: serde_json::Error| ClientError::Protocol(format!("event `{}`: {error}", event.event));
        Ok(match event.event.as_str() {
            "log" => {
                let frame: LogFrame = serde_json::from_str(&event.data).map_err(wrong)?;
                match LogPiece::of(&frame)?.after(self.position) {
                    Ok(Some(piece)) => {
                        self.position = piece.next;
                        self.losses = 0;
                        Read::Item(FollowItem::Log(piece))
                    }
                    Ok(None) => Read::Nothing,
                    Err(Gap) => Read::Lost(format!(
                        "a part of the log is missing after byte {}",
                        self.position
                    )),
                }
            }
            "event" => {
                let entry: RunEvent = serde_json::from_str(&event.data).map_err(wrong)?;
                if entry.seq <= self.position {
                    return Ok(Read::Nothing);
                }
                if entry.seq > self.position + 1 {
                    return Ok(Read::Lost(format!("events are missing after {}", self.position)));
                }
                self.position = entry.seq;
                self.losses = 0;
                Read::Item(FollowItem::Event(entry))
            }
            "run" => Read::Item(FollowItem::Run(serde_json::from_str(&event.data).map_err(wrong)?)),
            "end" => match serde_json::from_str::<Run>(&event.data) {
                Ok(run) => {
                    self.ended = true;
                    Read::Item(FollowItem::End(Some(Box::new(run))))
                }
                Err(_) if event.data.contains("stopping") => Read::Lost("the server is stopping".to_owned()),
                Err(_) => {
                    self.ended = true;
                    Read::Item(FollowItem::End(None))
                }
            },
            _ => Read::Nothing,
        })
    }
}

enum Read {
    Item(FollowItem),
    Nothing,
    Lost(String),
}

fn pause(losses: u32) -> Duration {
    Duration::from_millis(5u64 << losses.min(8)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(begin: u64, bytes: &[u8]) -> LogPiece {
        LogPiece {
            stream: LogStream::Stdout,
            offset: begin,
            next: begin + bytes.len() as u64,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn pieces_are_cut_to_what_is_new() {
        assert_eq!(piece(0, b"abc").after(0), Ok(Some(piece(0, b"abc"))));
        assert_eq!(piece(0, b"abc").after(2), Ok(Some(piece(2, b"c"))));
        assert_eq!(piece(0, b"abc").after(3), Ok(None));
        assert_eq!(piece(0, b"abc").after(9), Ok(None));
        assert_eq!(piece(4, b"abc").after(3), Err(Gap));
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        let pauses: Vec<u128> = [0, 1, 2, 5, 8, 9, 40]
            .map(|losses| pause(losses).as_millis())
            .to_vec();
        assert_eq!(pauses, [5, 10, 20, 160, 1000, 1000, 1000]);
    }

    proptest! {
        #[test]
        fn however_a_log_is_sent_again_it_arrives_once(
            log in prop::collection::vec(any::<u8>(), 0..60),
            sends in prop::collection::vec((0usize..60, 1usize..20), 0..40),
        ) {
            let mut arrived: Vec<u8> = Vec::new();
            let ends = (0..log.len()).map(|at| (at, 1));
            for (begin, length) in sends.into_iter().chain(ends) {
                let begin = begin.min(log.len());
                let end = (begin + length).min(log.len());
                let position = arrived.len() as u64;
                match piece(begin as u64, &log[begin..end]).after(position) {
                    Ok(Some(new)) => {
                        prop_assert_eq!(new.offset, position);
                        arrived.extend(&new.bytes);
                        prop_assert_eq!(new.next, arrived.len() as u64);
                    }
                    Ok(None) => prop_assert!(end as u64 <= position),
                    Err(Gap) => prop_assert!(begin as u64 > position),
                }
            }
            prop_assert_eq!(arrived, log);
        }
    }
}
