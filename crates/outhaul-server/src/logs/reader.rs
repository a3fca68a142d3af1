//! Reads a run's logs while they grow, with constant memory: one stream, or all in order of arrival.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use outhaul_types::LogStream;

use super::ORDER;
use super::order::{Stretch, decode};

/// A piece of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its stream.
    pub(crate) stream: LogStream,
    /// Where it begins in its stream.
    pub(crate) offset: u64,
    /// Where the next piece begins in what was asked for.
    pub(crate) next: u64,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// A reader of one run's logs, at some position.
pub(crate) struct LogReader {
    folder: PathBuf,
    stream: Option<LogStream>,
    position: u64,
    /// The order as it was last read, for which sizes.
    order: (Vec<Stretch>, [u64; 3]),
}

impl LogReader {
    /// Reads `stream` (or all in order of arrival) from byte `position` on.
    pub(crate) fn open(folder: &Path, stream: Option<LogStream>, position: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            stream,
            position,
            order: (Vec::new(), [0; 3]),
        }
    }

    /// The next piece of at most `max` bytes; `None` at the present end.
    pub(crate) fn next(&mut self, max: usize) -> std::io::Result<Option<Piece>> {
        let (stream, offset, length) = match self.stream {
            Some(stream) => (stream, self.position, u64::MAX),
            None => match self.stretch()? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let bytes = read(&self.folder.join(stream.as_str()), offset, length.min(max as u64))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.position += bytes.len() as u64;
        Ok(Some(Piece {
            stream,
            offset,
            next: self.position,
            bytes,
        }))
    }

    /// The stretch at the position: its stream, the position in it, and how many bytes it still has.
    fn stretch(&mut self) -> std::io::Result<Option<(LogStream, u64, u64)>> {
        if let Some(found) = locate(&self.order, self.position) {
            return Ok(Some(found));
        }
        let path = self.folder.join(ORDER);
        loop {
            let order = match std::fs::read(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            let mut sizes = [0; 3];
            for stream in LogStream::ALL {
                sizes[stream as usize] =
                    std::fs::metadata(self.folder.join(stream.as_str())).map_or(0, |file| file.len());
            }
            // Bytes that arrived after the order was read may belong to a stretch that it does not name yet.
            if std::fs::metadata(&path)?.len() == order.len() as u64 {
                self.order = (decode(&order, sizes), sizes);
                return Ok(locate(&self.order, self.position));
            }
        }
    }
}

fn locate((order, sizes): &(Vec<Stretch>, [u64; 3]), position: u64) -> Option<(LogStream, u64, u64)> {
    let total: u64 = sizes.iter().sum();
    if position >= total {
        return None;
    }
    // The last stretch that begins at or before the position; empty ones begin where the next does.
    let index = order
        .partition_point(|stretch| stretch.at <= position)
        .checked_sub(1)?;
    let stretch = order[index];
    let end = order.get(index + 1).map_or(total, |next| next.at);
    Some((
        stretch.stream,
        stretch.offset + (position - stretch.at),
        end - position,
    ))
}

fn read(path: &Path, offset: u64, max: u64) -> std::io::Result<Vec<u8>> {
    let mut file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::LogWriter;
    use super::*;
    use LogStream::{Stderr, Stdout};

    fn all(folder: &Path, stream: Option<LogStream>, from: u64) -> Vec<(LogStream, String)> {
        let mut reader = LogReader::open(folder, stream, from);
        let mut pieces: Vec<(LogStream, String)> = Vec::new();
        while let Some(piece) = reader.next(3).unwrap() {
            let text = String::from_utf8(piece.bytes).unwrap();
            match pieces.last_mut() {
                Some((last, joined)) if *last == piece.stream => joined.push_str(&text),
                _ => pieces.push((piece.stream, text)),
            }
        }
        pieces
    }

    #[test]
    fn pieces_come_back_in_order_of_arrival_also_across_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(folder.path()).unwrap();
        for (stream, text) in [
            (Stdout, "one "),
            (Stdout, "two "),
            (Stderr, "err "),
            (Stdout, "three "),
        ] {
            writer.append(stream, text.as_bytes()).unwrap();
        }
        drop(writer);
        // Killed while it wrote a record.
        let order = folder.path().join(ORDER);
        let mut torn = std::fs::read(&order).unwrap();
        torn.extend([7; 5]);
        std::fs::write(&order, torn).unwrap();
        let mut writer = LogWriter::open(folder.path()).unwrap();
        writer.append(Stderr, b"late").unwrap();
        let expected = [
            (Stdout, "one two "),
            (Stderr, "err "),
            (Stdout, "three "),
            (Stderr, "late"),
        ]
        .map(|(s, t)| (s, t.to_owned()));
        assert_eq!(all(folder.path(), None, 0), expected);
        assert_eq!(
            all(folder.path(), None, 10),
            [
                (Stderr, "r ".to_owned()),
                (Stdout, "three ".to_owned()),
                (Stderr, "late".to_owned())
            ]
        );
        assert_eq!(
            all(folder.path(), Some(Stderr), 2),
            [(Stderr, "r late".to_owned())]
        );
    }
}
