//! A file that only takes up room, so that on a full disk there is enough left to write down what happened.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Room for thousands of events.
const SIZE: usize = 8 << 20;

/// The reserve of a data folder.
pub(crate) struct Reserve(PathBuf);

impl Reserve {
    /// Takes the room, if there is any.
    pub(crate) fn take(home: &Path) -> Self {
        let reserve = Self(home.join("reserve"));
        reserve.refill();
        reserve
    }

    /// Takes the room again after it was given back.
    pub(crate) fn refill(&self) {
        if std::fs::metadata(&self.0).is_ok_and(|file| file.len() == SIZE as u64) {
            return;
        }
        // Never out of the last room: that is for those who work.
        let parent = self.0.parent().unwrap_or(&self.0);
        let room = nix::sys::statvfs::statvfs(parent)
            .map_or(0, |disk| disk.blocks_available() * disk.fragment_size());
        if room < 4 * SIZE as u64 {
            return;
        }
        // Written rather than only sized: a hole takes up no room.
        let written = std::fs::File::create(&self.0).and_then(|mut file| file.write_all(&vec![0; SIZE]));
        if let Err(error) = written {
            tracing::warn!(%error, "reserve: no room for it");
            let _ = std::fs::remove_file(&self.0);
        }
    }

    /// Gives the room back; `false` when there was none.
    pub(crate) fn give(&self) -> bool {
        let given = std::fs::remove_file(&self.0).is_ok();
        if given {
            tracing::warn!("reserve: the disk is full; the reserve is used up");
        }
        given
    }
}
