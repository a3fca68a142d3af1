//! Wake-ups: a thread that sleeps in inotify and tells which run directories changed. It costs nothing while
//! nothing happens.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use outhaul_driver::{ChangeSender, NativeId};

/// Watches run directories.
pub(super) struct Watcher {
    inotify: Option<Arc<Inotify>>,
    watched: Arc<Mutex<HashMap<WatchDescriptor, NativeId>>>,
}

impl Watcher {
    /// Starts the thread. Where inotify cannot be had, nothing is told and the caller's ticks have to do.
    pub(super) fn start(changes: ChangeSender) -> Self {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC).map(Arc::new).ok();
        let watched = Arc::new(Mutex::new(HashMap::new()));
        if let Some(inotify) = inotify.clone() {
            let watched = Arc::clone(&watched);
            let thread = std::thread::Builder::new()
                .name("run-watch".into())
                .spawn(move || listen(&inotify, &watched, &changes));
            if let Err(error) = thread {
                tracing::warn!(%error, "host.watch: no thread; changes are seen at ticks only");
            }
        }
        Self { inotify, watched }
    }

    /// Watches a run directory from now on.
    pub(super) fn watch(&self, id: &NativeId, dir: &Path) {
        let Some(inotify) = &self.inotify else { return };
        let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_ONLYDIR;
        match inotify.add_watch(dir, flags) {
            Ok(watch) => {
                self.watched
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(watch, id.clone());
            }
            Err(error) => {
                tracing::debug!(%id, %error, "host.watch: not watched; changes are seen at ticks only");
            }
        }
    }
}

fn listen(inotify: &Inotify, watched: &Mutex<HashMap<WatchDescriptor, NativeId>>, changes: &ChangeSender) {
    loop {
        let events = match inotify.read_events() {
            Ok(events) => events,
            Err(Errno::EINTR) => continue,
            Err(error) => return tracing::warn!(%error, "host.watch: ended; changes are seen at ticks only"),
        };
        let mut told: Vec<NativeId> = Vec::new();
        {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                    watched.remove(&event.wd);
                } else if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    told.extend(watched.values().cloned());
                } else if let Some(id) = watched.get(&event.wd) {
                    told.push(id.clone());
                }
            }
        }
        told.sort();
        told.dedup();
        for id in told {
            changes.changed(id);
        }
        // A script that writes without end fills the queue with equal events, which the kernel joins while
        // they wait: let them.
        std::thread::sleep(Duration::from_millis(2));
    }
}
