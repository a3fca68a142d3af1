//! The order of arrival: where, in all streams taken together, each stretch of one stream begins. Pure.
//!
//! The file is a sequence of 16-byte records, appended when the stream changes: position in all streams together
//! (8 bytes), stream number (1 byte), position in that stream (7 bytes), little-endian. A stretch ends where the
//! next begins; the last one ends where all files end.

use outhaul_types::LogStream;

/// Length of a record in bytes.
pub(super) const RECORD: usize = 16;

/// The beginning of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it begins in all streams together.
    pub(super) at: u64,
    /// Its stream.
    pub(super) stream: LogStream,
    /// Where it begins in its stream.
    pub(super) offset: u64,
}

impl Stretch {
    pub(super) fn encode(self) -> [u8; RECORD] {
        let number = LogStream::ALL
            .iter()
            .position(|stream| *stream == self.stream)
            .unwrap_or_default() as u64;
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&self.at.to_le_bytes());
        record[8..].copy_from_slice(&(number << 56 | self.offset & ((1 << 56) - 1)).to_le_bytes());
        record
    }
}

/// Reads an order file. A torn last record, or anything that does not fit the streams' sizes, ends the list: what
/// follows is given in the order of the streams, so that no byte is ever missing.
pub(super) fn decode(bytes: &[u8], sizes: [u64; 3]) -> Vec<Stretch> {
    let total: u64 = sizes.iter().sum();
    let mut ends = [0u64; 3];
    let mut list: Vec<Stretch> = Vec::new();
    let close = |list: &[Stretch], ends: &mut [u64; 3], at: u64| {
        let Some(last) = list.last() else { return at == 0 };
        let Some(length) = at.checked_sub(last.at) else {
            return false;
        };
        let number = last.stream as usize;
        if last.offset != ends[number] || last.offset + length > sizes[number] {
            return false;
        }
        ends[number] = last.offset + length;
        true
    };
    for record in bytes.chunks_exact(RECORD) {
        let (at, rest) = record.split_at(8);
        let at = u64::from_le_bytes(at.try_into().unwrap_or_default());
        let rest = u64::from_le_bytes(rest.try_into().unwrap_or_default());
        let Some(stream) = LogStream::ALL.get((rest >> 56) as usize) else {
            break;
        };
        let offset = rest & ((1 << 56) - 1);
        if at > total || offset > sizes[*stream as usize] || !close(&list, &mut ends, at) {
            break;
        }
        list.push(Stretch {
            at,
            stream: *stream,
            offset,
        });
    }
    finish(&mut list, &mut ends, sizes);
    list
}

/// Adds stretches for bytes that the list does not cover: those of the last stretch's stream belong to it, others
/// follow in the order of the streams.
fn finish(list: &mut Vec<Stretch>, ends: &mut [u64; 3], sizes: [u64; 3]) {
    let mut at = ends.iter().sum();
    if let Some(last) = list.last() {
        let number = last.stream as usize;
        if last.offset == ends[number] {
            at = last.at + (sizes[number] - last.offset);
            ends[number] = sizes[number];
        } else {
            // The last record contradicts what was closed before it.
            list.pop();
        }
    }
    for (number, stream) in LogStream::ALL.into_iter().enumerate() {
        if ends[number] < sizes[number] {
            list.push(Stretch {
                at,
                stream,
                offset: ends[number],
            });
            at += sizes[number] - ends[number];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a list says, piece by piece: stream and number of bytes.
    fn lengths(list: &[Stretch], total: u64) -> Vec<(LogStream, u64)> {
        let ends = list.iter().skip(1).map(|next| next.at).chain([total]);
        list.iter()
            .zip(ends)
            .map(|(stretch, end)| (stretch.stream, end - stretch.at))
            .filter(|(_, length)| *length > 0)
            .collect()
    }

    proptest! {
        /// Written piece by piece and read back, the order is the order of writing.
        #[test]
        fn what_was_written_is_read_back(pieces in proptest::collection::vec((0usize..3, 1u64..50), 0..30)) {
            let mut sizes = [0u64; 3];
            let (mut bytes, mut expected): (Vec<u8>, Vec<(LogStream, u64)>) = Default::default();
            for (number, length) in pieces {
                let stream = LogStream::ALL[number];
                match expected.last_mut() {
                    Some((last, size)) if *last == stream => *size += length,
                    _ => {
                        bytes.extend(Stretch { at: sizes.iter().sum(), stream, offset: sizes[number] }.encode());
                        expected.push((stream, length));
                    }
                }
                sizes[number] += length;
            }
            prop_assert_eq!(lengths(&decode(&bytes, sizes), sizes.iter().sum()), expected);
        }

        /// Whatever the file holds, every byte of every stream is given exactly once.
        #[test]
        fn any_file_gives_every_byte_once(bytes in proptest::collection::vec(any::<u8>(), 0..100), sizes in [0u64..9, 0u64..9, 0u64..9], at in 0u64..9, offset in 0u64..9) {
            let mut file = Stretch { at: 0, stream: LogStream::Stderr, offset: 0 }.encode().to_vec();
            file.extend(Stretch { at, stream: LogStream::Stdout, offset }.encode());
            file.extend(bytes);
            let list = decode(&file, sizes);
            let mut seen = [0u64; 3];
            for (stream, length) in lengths(&list, sizes.iter().sum()) {
                seen[stream as usize] += length;
            }
            prop_assert_eq!(seen, sizes);
            for stretch in &list {
                prop_assert!(stretch.offset <= sizes[stretch.stream as usize]);
            }
        }
    }
}
