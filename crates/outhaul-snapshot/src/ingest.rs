//! Reading a source into the store in one pass: read, hash and write, then a decision to keep it.

use std::io::{self, Read, Write as _};

use tempfile::NamedTempFile;

use crate::blobs::{BlobStore, Put};
use crate::error::SnapshotError;
use crate::hash::Hash;

/// Contents up to this size are read whole before anything is written, so that one that is in the
/// store already costs no write. Larger ones stream in pieces of this size.
pub(crate) const PIECE: usize = 256 * 1024;

/// What went wrong, by the side on which it did.
#[derive(Debug)]
pub(crate) enum IngestError {
    Source(io::Error),
    Store(SnapshotError),
}

/// A content that is read and hashed, and not yet in the store. Dropped, it leaves nothing behind.
pub(crate) struct Draft<'a> {
    pub hash: Hash,
    pub size: u64,
    body: Body<'a>,
}

enum Body<'a> {
    /// Only the hash was wanted.
    Nowhere,
    Memory(&'a BlobStore, &'a [u8]),
    Written(&'a BlobStore, NamedTempFile),
}

impl Draft<'_> {
    /// Puts the content into the store, if it was read for one.
    pub fn keep(self) -> Result<Put, SnapshotError> {
        let Self { hash, size, body } = self;
        let is_new = match body {
            Body::Nowhere => false,
            Body::Memory(store, bytes) => {
                let missing = store.size_of(&hash) != Some(size);
                if missing {
                    let mut file = store.temporary()?;
                    file.write_all(bytes)
                        .map_err(|e| SnapshotError::io("write", &store.path_of(&hash), e))?;
                    store.adopt(file, &hash)?;
                }
                missing
            }
            Body::Written(store, file) => {
                let missing = store.size_of(&hash) != Some(size);
                if missing {
                    store.adopt(file, &hash)?;
                }
                missing
            }
        };
        Ok(Put { hash, size, is_new })
    }
}

/// Reads a source to its end. Without a store it is only hashed. `buffer` is scratch space, kept by
/// the caller from one file to the next; `on_bytes` hears of every piece that was read.
pub(crate) fn ingest<'a>(
    source: &mut impl Read,
    store: Option<&'a BlobStore>,
    buffer: &'a mut Vec<u8>,
    on_bytes: &mut dyn FnMut(usize),
) -> Result<Draft<'a>, IngestError> {
    buffer.resize(PIECE, 0);
    let mut filled = fill(source, buffer)?;
    on_bytes(filled);
    if filled < PIECE {
        let buffer = &buffer[..filled];
        let body = store.map_or(Body::Nowhere, |store| Body::Memory(store, buffer));
        return Ok(Draft {
            hash: Hash::of(buffer),
            size: filled as u64,
            body,
        });
    }
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    let mut body = match store {
        Some(store) => Body::Written(store, store.temporary().map_err(IngestError::Store)?),
        None => Body::Nowhere,
    };
    while filled > 0 {
        hasher.update(&buffer[..filled]);
        size += filled as u64;
        if let Body::Written(store, file) = &mut body {
            let written = file.write_all(&buffer[..filled]);
            written
                .map_err(|e| IngestError::Store(SnapshotError::io("write", &store.temporary_folder(), e)))?;
        }
        filled = fill(source, buffer)?;
        if filled > 0 {
            on_bytes(filled);
        }
    }
    Ok(Draft {
        hash: hasher.finalize().into(),
        size,
        body,
    })
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, IngestError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(IngestError::Source(e)),
        }
    }
    Ok(filled)
}
