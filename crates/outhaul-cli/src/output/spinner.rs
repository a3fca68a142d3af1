//! A word of what is waited for: only when it takes a while. One that turns for a person who watches, one line otherwise.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Printer;

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it turns.
const TURN: Duration = Duration::from_millis(100);

/// Says what is waited for.
pub(crate) struct Spinner {
    printer: Printer,
    text: String,
}

impl Spinner {
    /// Shows nothing yet.
    pub(crate) fn new(printer: Printer, text: impl Into<String>) -> Self {
        Self {
            printer,
            text: text.into(),
        }
    }

    /// Waits for something, and says so when it takes long.
    pub(crate) async fn during<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        if let Ok(done) = tokio::time::timeout(PATIENCE, &mut future).await {
            return done;
        }
        if self.printer.quiet || !self.printer.watched {
            self.printer.note(&self.text);
            return future.await;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("outhaul: {msg}  {spinner}  {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(self.text.clone());
        let done = loop {
            bar.tick();
            if let Ok(done) = tokio::time::timeout(TURN, &mut future).await {
                break done;
            }
        };
        bar.finish_and_clear();
        done
    }
}
