//! Code on its way to a machine: a tar of some entries of a tree, the same bytes each time it is made, so that a
//! transfer that broke off can go on where it stopped.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use outhaul_snapshot::{BlobStore, EntryKind, SnapshotError, TreeEntry};

/// The date of all files in a pack: 2020-01-01. The same each time, and late enough for zip files.
pub(super) const DATE: u64 = 1_577_836_800;

/// What a pack holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Pack {
    /// The entries.
    pub(super) entries: Vec<TreeEntry>,
    /// Paths to be removed from the tree that it is unpacked over.
    pub(super) removed: Vec<String>,
    /// Whether it is compressed.
    pub(super) compressed: bool,
}

impl Pack {
    /// Writes the pack.
    pub(super) fn write(&self, blobs: &BlobStore, to: impl Write) -> io::Result<()> {
        if self.compressed {
            let mut encoder = GzEncoder::new(to, Compression::fast());
            self.plain(blobs, &mut encoder)?;
            encoder.finish()?.flush()
        } else {
            self.plain(blobs, to)
        }
    }

    fn plain(&self, blobs: &BlobStore, to: impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(to);
        let header = |kind, size, mode| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_mode(mode);
            header.set_mtime(DATE);
            header
        };
        // Links last: nothing is ever written through one.
        for entry in &self.entries {
            if let EntryKind::File {
                hash,
                size,
                executable,
            } = &entry.kind
            {
                let mut header = header(
                    tar::EntryType::Regular,
                    *size,
                    if *executable { 0o755 } else { 0o644 },
                );
                let content = blobs
                    .open_verified(hash)
                    .map_err(|error| io::Error::other(error.for_file(&entry.path)))?;
                tar.append_data(&mut header, &entry.path, Exactly::new(content, *size))?;
            }
        }
        for entry in &self.entries {
            if let EntryKind::Symlink { target } = &entry.kind {
                tar.append_link(
                    &mut header(tar::EntryType::Symlink, 0, 0o777),
                    &entry.path,
                    target,
                )?;
            }
        }
        if !self.removed.is_empty() {
            let list = self
                .removed
                .iter()
                .map(|path| format!("{path}\n"))
                .collect::<String>();
            let mut header = header(tar::EntryType::Regular, list.len() as u64, 0o600);
            tar.append_data(&mut header, ".outhaul-removed", list.as_bytes())?;
        }
        tar.into_inner()?.flush()
    }
}

/// Reads so many bytes, no fewer: a content that is short would put everything behind it out of place.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: io::Read> Exactly<R> {
    fn new(inner: R, size: u64) -> Self {
        Self { inner, left: size }
    }
}

impl<R: io::Read> io::Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a content is longer than its tree says",
            )
        })?;
        if read == 0 && !buffer.is_empty() && self.left > 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a content is shorter than its tree says",
            ));
        }
        Ok(read)
    }
}

/// The snapshot's error inside an error of a pack, if it is one.
pub(super) fn snapshot_error(error: &io::Error) -> Option<&SnapshotError> {
    error.get_ref()?.downcast_ref()
}
