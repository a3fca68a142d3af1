//! What a file looked like from the outside when it was hashed, and when that may be believed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time stamps that show parts of a millisecond are taken from the kernel's clock, which ticks at
/// least every 10 ms; the rest is reserve.
const FINE_GRANULE: i64 = 50_000_000;
/// Other time stamps may be as coarse as two seconds (FAT).
const COARSE_GRANULE: i64 = 2_000_000_000;

/// The outside of a file: if none of this changed, neither did the content.
///
/// `ctime` cannot be set by a program, so a file put back with its old `mtime` still shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Size in bytes.
    pub size: u64,
    /// Last change of the content, in nanoseconds since 1970.
    pub mtime: i64,
    /// Last change of the content or the attributes, in nanoseconds since 1970.
    pub ctime: i64,
    /// Number of the file on its file system.
    pub inode: u64,
    /// The file system.
    pub device: u64,
    /// Kind and permission bits.
    pub mode: u32,
}

impl FileStat {
    /// The part of the metadata that is compared.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        Self {
            size: meta.len(),
            mtime: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime: nanos(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            device: meta.dev(),
            mode: meta.mode(),
        }
    }

    /// Whether the owner may execute the file. Like git, a snapshot keeps only this bit.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }

    /// Whether a file that was read from the moment `read_at` on could have been changed after
    /// the read and still look like this: its last change is so close to the read (or after it)
    /// that a second change could have got the same time stamp. Such a stat proves nothing.
    pub(crate) fn is_racy(&self, read_at: i64) -> bool {
        let granule = if self.ctime % 1_000_000 == 0 {
            COARSE_GRANULE
        } else {
            FINE_GRANULE
        };
        self.ctime.max(self.mtime) >= read_at.saturating_sub(granule)
    }
}

/// Nanoseconds since 1970; times past the year 2262 all look alike, and racy.
fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// This moment, in nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_well_before_the_read_is_believed() {
        let second = 1_000_000_000;
        let read_at = 1_000 * second;
        let cases = [
            ("long before", 10 * second + 1, 10 * second + 1, false),
            ("60 ms before, fine clock", read_at - 60_000_001, 0, false),
            ("40 ms before, fine clock", read_at - 40_000_001, 0, true),
            ("60 ms before, coarse clock", read_at - 60_000_000, 0, true),
            ("3 s before, coarse clock", read_at - 3 * second, 0, false),
            ("at the read", read_at, 0, true),
            ("after the read", read_at + second + 1, 0, true),
            (
                "put back with an old mtime just now",
                read_at - 1,
                5 * second,
                true,
            ),
            ("mtime in the future", 10 * second + 1, read_at + second, true),
        ];
        for (name, ctime, mtime, racy) in cases {
            let stat = FileStat {
                size: 1,
                mtime,
                ctime,
                inode: 1,
                device: 1,
                mode: 0o100_644,
            };
            assert_eq!(stat.is_racy(read_at), racy, "{name}");
        }
    }
}
