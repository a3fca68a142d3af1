//! The progress bar of a snapshot: only for a person who watches, and only when it takes a while.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use outhaul_snapshot::Progress;

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Told from several threads at once.
pub(crate) struct SnapshotProgress {
    begin: Instant,
    shown: bool,
    total: AtomicU64,
    done: AtomicU64,
    bar: OnceLock<ProgressBar>,
}

impl SnapshotProgress {
    /// Shows nothing at all unless `shown`.
    pub(crate) fn new(shown: bool) -> Self {
        Self {
            begin: Instant::now(),
            shown,
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            bar: OnceLock::new(),
        }
    }

    /// One step of the snapshot.
    pub(crate) fn step(&self, step: Progress<'_>) {
        match step {
            Progress::Scanned { unread_size, .. } => self.total.store(unread_size, Ordering::Relaxed),
            Progress::Read { bytes, .. } => {
                let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
                if self.shown && self.begin.elapsed() > PATIENCE {
                    self.bar.get_or_init(|| self.new_bar()).set_position(done);
                }
            }
            _ => {}
        }
    }

    fn new_bar(&self) -> ProgressBar {
        let total = self.total.load(Ordering::Relaxed);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = "outhaul: taking the snapshot  {wide_bar}  {bytes} of {total_bytes}  {bytes_per_sec}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
