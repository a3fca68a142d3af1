//! Bringing a pack to a machine, going on where an earlier try broke off.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use outhaul_driver::{DriverError, ErrorKind, Status};
use outhaul_snapshot::{BlobStore, EntryKind, SnapshotError};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

use super::pack::{Pack, snapshot_error};
use super::session::{Session, read};
use super::shell::Input;

const OPERATION: &str = "send the code";
/// How much of a pack is handed over at once.
const PIECE: usize = 256 << 10;
/// How many pieces wait at most.
const WAITING: usize = 8;
/// What a connection is measured with.
const PROBE: usize = 512 << 10;
/// Below this many bytes a second, packing is quicker than sending.
const SLOW: f64 = 20e6;
/// How often a transfer that breaks off is taken up again before the caller hears of it.
const TRIES: u32 = 3;

/// POSIX `cksum` over everything written, and its length.
#[derive(Clone)]
struct Sum {
    digest: crc::Digest<'static, u32, crc::Table<16>>,
    length: u64,
}

static CKSUM: crc::Crc<u32, crc::Table<16>> = crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_CKSUM);

impl Sum {
    fn new() -> Self {
        Self {
            digest: CKSUM.digest(),
            length: 0,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// What `cksum` prints: the length's bytes, the lowest first, count too.
    fn finish(mut self) -> u32 {
        let mut length = self.length;
        while length > 0 {
            self.digest.update(&[(length & 0xff) as u8]);
            length >>= 8;
        }
        self.digest.finalize()
    }
}

/// What the packing thread found.
struct Packed {
    size: u64,
    /// Only where the transfer did not begin at the beginning.
    sum: Option<u32>,
}

/// Takes a pack's bytes in a thread, leaves out what the machine has, and hands on the rest.
struct Feed {
    skip: u64,
    sum: Option<Sum>,
    size: u64,
    buffer: Vec<u8>,
    sender: mpsc::Sender<Vec<u8>>,
}

impl Feed {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.sender
            .blocking_send(piece)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(sum) = &mut self.sum {
            sum.add(bytes);
        }
        self.size += bytes.len() as u64;
        let skipped = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
        self.skip -= skipped as u64;
        self.buffer.extend_from_slice(&bytes[skipped..]);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            Ok(())
        } else {
            self.send()
        }
    }
}

/// Reads what the packing thread hands over.
struct Pieces {
    receiver: mpsc::Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.at == self.piece.len() {
            match self.receiver.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(piece)) => {
                    self.piece = piece;
                    self.at = 0;
                }
            }
        }
        let count = buffer.remaining().min(self.piece.len() - self.at);
        buffer.put_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

/// Brings a pack to the machine under a name that follows from its content. May be repeated.
pub(super) async fn upload(
    session: &Session,
    blobs: &BlobStore,
    name: &str,
    pack: &Pack,
) -> Result<(), DriverError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match once(session, blobs, name, pack).await {
            Ok(true) => return Ok(()),
            // Damaged or moved on: begin again.
            Ok(false) if tries < TRIES => {}
            Ok(false) => {
                let message = format!("the pack `{name}` arrived damaged {TRIES} times");
                return Err(DriverError::temporary(ErrorKind::Target, OPERATION, message));
            }
            Err(error) if error.kind == ErrorKind::Unreachable && error.is_temporary() && tries < TRIES => {
                tracing::debug!(name, %error, "host.upload: going on where it broke off");
                tokio::time::sleep(Duration::from_millis(100) * tries).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn once(session: &Session, blobs: &BlobStore, name: &str, pack: &Pack) -> Result<bool, DriverError> {
    let begun = session.ask(OPERATION, "begin", &[name], b"").await?;
    let offset: u64 = match begun.value("size") {
        Some("whole") => return Ok(true),
        Some(size) => size.trim().parse().unwrap_or(0),
        None => 0,
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let (blobs, owned) = (blobs.clone(), pack.clone());
    let packing = tokio::task::spawn_blocking(move || {
        let mut feed = Feed {
            skip: offset,
            sum: (offset > 0).then(Sum::new),
            size: 0,
            buffer: Vec::with_capacity(PIECE),
            sender,
        };
        owned.write(&blobs, &mut feed)?;
        feed.flush()?;
        Ok::<_, io::Error>(Packed {
            size: feed.size,
            sum: feed.sum.take().map(Sum::finish),
        })
    });
    let mut pieces = Pieces {
        receiver,
        piece: Vec::new(),
        at: 0,
    };
    let line = session
        .installation()
        .line("upload", &[name, &offset.to_string()]);
    let sent = session
        .command(&line, Input::Reader(&mut pieces), OPERATION)
        .await;
    drop(pieces);
    let packed = packing
        .await
        .map_err(|error| DriverError::permanent(ErrorKind::System, OPERATION, error.to_string()))?;
    let packed = match packed {
        Ok(packed) => packed,
        // The far side stopped reading; it or the connection says why.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            read(&sent?, OPERATION)?;
            return Ok(false);
        }
        Err(error) => return Err(unpackable(&blobs_error(&error))),
    };
    read(&sent?, OPERATION)?;
    let sum = packed.sum.map_or("-".to_owned(), |sum| sum.to_string());
    let size = packed.size.to_string();
    let done = session
        .ask(OPERATION, "commit", &[name, &size, &sum], b"")
        .await?;
    Ok(done.word() == "ok")
}

fn blobs_error(error: &io::Error) -> String {
    match snapshot_error(error) {
        Some(error @ (SnapshotError::MissingBlob { .. } | SnapshotError::CorruptBlob { .. })) => {
            format!("{error}; submit again: the code is then stored anew")
        }
        _ => error.to_string(),
    }
}

/// The error for code that cannot be read here.
pub(super) fn unpackable(message: &str) -> DriverError {
    DriverError {
        status: Status::Permanent,
        ..DriverError::permanent(ErrorKind::System, OPERATION, message)
    }
}

/// Whether a large pack should be compressed: only where the connection is slower than packing, and the code shrinks.
pub(super) async fn should_compress(
    session: &Session,
    blobs: &BlobStore,
    pack: &Pack,
) -> Result<bool, DriverError> {
    if !shrinks(blobs, pack) {
        return Ok(false);
    }
    let mut noise = vec![0; PROBE];
    // Only has to be incompressible for a connection that compresses by itself.
    blake3::Hasher::new_derive_key("outhaul speed probe")
        .finalize_xof()
        .fill(&mut noise);
    let round = Instant::now();
    session.script(OPERATION, "wc -c", b"").await?;
    let round = round.elapsed();
    let begun = Instant::now();
    session.script(OPERATION, "wc -c", &noise).await?;
    let took = begun
        .elapsed()
        .saturating_sub(round)
        .max(Duration::from_micros(100));
    Ok(is_slow(PROBE, took))
}

fn is_slow(bytes: usize, took: Duration) -> bool {
    bytes as f64 / took.as_secs_f64() < SLOW
}

/// Whether the first files shrink by a fifth or more.
fn shrinks(blobs: &BlobStore, pack: &Pack) -> bool {
    let mut sample = Vec::new();
    for entry in &pack.entries {
        if let EntryKind::File { hash, size, .. } = &entry.kind
            && *size < (4 << 20)
            && let Ok(content) = blobs.read(hash)
        {
            sample.extend(content);
        }
        if sample.len() > (1 << 20) {
            break;
        }
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = encoder.write_all(&sample).and_then(|()| encoder.finish());
    !sample.is_empty() && packed.is_ok_and(|packed| packed.len() < sample.len() / 5 * 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_what_cksum_prints() {
        for text in ["", "a", "hello world\n", &"x".repeat(70_000)] {
            let mut sum = Sum::new();
            sum.add(text.as_bytes());
            let mut child = std::process::Command::new("cksum")
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
            assert_eq!(said.trim(), format!("{} {}", sum.finish(), text.len()));
        }
    }

    #[test]
    fn only_slow_connections_are_worth_packing_for() {
        assert!(is_slow(512 << 10, Duration::from_millis(500)));
        assert!(!is_slow(512 << 10, Duration::from_millis(5)));
    }
}
