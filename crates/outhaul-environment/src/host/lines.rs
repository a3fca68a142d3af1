//! The output of a step on a host that gives it in pieces of any size: whole lines to the log, the end to the caller.

use super::LogSink;

/// Most output of a step that is kept for its caller, per stream.
const KEPT: usize = 1 << 20;

/// Passes whole lines on and keeps the end of everything.
#[derive(Debug, Default)]
pub struct OutputLines {
    line: Vec<u8>,
    kept: Vec<u8>,
}

impl OutputLines {
    /// Takes what came.
    pub fn take(&mut self, bytes: &[u8], log: &dyn LogSink) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.ends_with(b"\n") || self.line.len() > (64 << 10) {
                log.line(&self.line);
                self.line.clear();
            }
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > 2 * KEPT {
            self.kept.drain(..self.kept.len() - KEPT);
        }
    }

    /// Passes on a last line without its end, and gives the last part (1 MiB) of everything.
    #[must_use]
    pub fn finish(mut self, log: &dyn LogSink) -> Vec<u8> {
        if !self.line.is_empty() {
            log.line(&self.line);
        }
        let excess = self.kept.len().saturating_sub(KEPT);
        self.kept.split_off(excess)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn lines_come_whole_and_the_end_is_kept() {
        let log = Mutex::new(Vec::new());
        let mut lines = OutputLines::default();
        lines.take(b"a", &log);
        assert!(log.lock().unwrap().is_empty(), "no half line");
        lines.take(b"b\nc", &log);
        assert_eq!(*log.lock().unwrap(), b"ab\n");
        assert_eq!(lines.finish(&log), b"ab\nc");
        assert_eq!(*log.lock().unwrap(), b"ab\nc");
        let mut long = OutputLines::default();
        for _ in 0..5 {
            long.take(&vec![b'x'; KEPT], &log);
        }
        assert_eq!(long.finish(&log).len(), KEPT);
    }
}
