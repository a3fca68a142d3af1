//! What a caller may show while a snapshot is taken.

/// One step of taking a snapshot. Sent from several threads at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The walk is over.
    Scanned {
        /// Files found.
        files: u64,
        /// The sum of their sizes in bytes.
        size: u64,
        /// How many of them have to be read, because they are new or changed.
        unread_files: u64,
        /// The sum of those files' sizes in bytes.
        unread_size: u64,
    },
    /// Some bytes of a file were read. A file that changes meanwhile is read again.
    Read {
        /// The file, relative to the source folder.
        path: &'a str,
        /// How many bytes since the last such step for this file.
        bytes: u64,
    },
    /// A file is read and, if it was new, stored.
    FileDone {
        /// The file, relative to the source folder.
        path: &'a str,
    },
}

/// Shows nothing.
pub fn silent(_: Progress<'_>) {}
