//! Appends to a run's logs. One writer a run; what was appended is counted by the files' own sizes, so a server
//! that was killed at any point goes on exactly where the files end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use outhaul_types::LogStream;

use super::ORDER;
use super::order::Stretch;

/// The writer of one run's logs.
pub(crate) struct LogWriter {
    folder: PathBuf,
    files: [Option<File>; 3],
    order: Option<File>,
    sizes: [u64; 3],
    last: Option<LogStream>,
}

impl LogWriter {
    /// Opens the logs of a run, making their folder where it is not there.
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut sizes = [0; 3];
        for stream in LogStream::ALL {
            match std::fs::metadata(folder.join(stream.as_str())) {
                Ok(file) => sizes[stream as usize] = file.len(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        // After a restart the next piece begins a stretch of its own, which is always right. A record that was torn
        // is cut off, so that the ones to come stand where they are looked for.
        let order = folder.join(ORDER);
        if let Ok(file) = std::fs::metadata(&order)
            && !file.len().is_multiple_of(super::order::RECORD as u64)
        {
            let whole = file.len() - file.len() % super::order::RECORD as u64;
            OpenOptions::new().write(true).open(&order)?.set_len(whole)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            files: [None, None, None],
            order: None,
            sizes,
            last: None,
        })
    }

    /// How many bytes of a stream are there.
    pub(crate) fn size(&self, stream: LogStream) -> u64 {
        self.sizes[stream as usize]
    }

    /// Appends bytes to a stream.
    pub(crate) fn append(&mut self, stream: LogStream, bytes: &[u8]) -> std::io::Result<()> {
        let open = |name: &str| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(self.folder.join(name))
        };
        if self.last != Some(stream) {
            let stretch = Stretch {
                at: self.sizes.iter().sum(),
                stream,
                offset: self.sizes[stream as usize],
            };
            let order = match &mut self.order {
                Some(order) => order,
                none => none.insert(open(ORDER)?),
            };
            order.write_all(&stretch.encode())?;
            self.last = Some(stream);
        }
        let file = match &mut self.files[stream as usize] {
            Some(file) => file,
            none => none.insert(open(stream.as_str())?),
        };
        if let Err(error) = file.write_all(bytes) {
            // A part may have been written (a full disk): the file's size says how much.
            self.sizes[stream as usize] = file
                .metadata()
                .map_or(self.sizes[stream as usize], |file| file.len());
            self.last = None;
            return Err(error);
        }
        self.sizes[stream as usize] += bytes.len() as u64;
        Ok(())
    }
}
