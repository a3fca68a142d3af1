//! Named steps at which the crash harness kills the server with SIGKILL, as a power cut would. Compiled into debug
//! builds only; in release builds [`hit`] is empty.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// All named steps, in the order of a run's life.
pub const NAMES: &[&str] = &[
    "submit.before-create",
    "submit.after-create",
    "life.before-prepare",
    "life.after-environment",
    "life.after-intent",
    "life.after-submit",
    "life.after-launched",
    "life.after-running",
    "collect.before-log",
    "collect.after-log",
    "collect.before-metrics",
    "collect.after-metrics",
    "life.before-exited",
    "life.after-exited",
    "life.after-outputs",
    "life.before-end",
    "life.after-end",
    "cancel.after-request",
    "cancel.after-signal",
    "release.before",
    "release.after",
];

struct Armed {
    name: String,
    left: AtomicU32,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms one step for this process.
pub(crate) fn arm(text: Option<&str>) {
    let Some(text) = text.filter(|_| cfg!(debug_assertions)) else {
        return;
    };
    let (name, count) = text.split_once('=').unwrap_or((text, "1"));
    let armed = Armed {
        name: name.to_owned(),
        left: AtomicU32::new(count.parse().unwrap_or(1)),
    };
    // A second arming in one process is a mistake of the harness; the first one stands.
    let _ = ARMED.set(armed);
}

/// Passes a named step: the process ends here if it is the armed one.
pub(crate) fn hit(name: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    debug_assert!(NAMES.contains(&name), "{name} is not listed");
    if let Some(armed) = ARMED.get().filter(|armed| armed.name == name)
        && armed.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        let _ = nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::Signal::SIGKILL);
        // The signal is on its way; nothing more may happen.
        loop {
            std::thread::park();
        }
    }
}
