//! Starting runs on a machine with their code: what it has already is not sent again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outhaul_driver::{DriverError, ErrorKind};
use outhaul_snapshot::{BlobStore, Hash, Tree};
use outhaul_types::{RunKey, Secret};

use super::answer::Answer;
use super::delta::delta;
use super::pack::Pack;
use super::session::Session;
use super::upload::{should_compress, unpackable, upload};
use crate::run_dir::{Launcher, quote};

const OPERATION: &str = "start the run";
/// Packs up to this size go along with the request.
const INLINE: u64 = 1 << 20;
/// Trees with more files or bytes than these get a spare copy, so that a run need not wait for one to be made.
const SPARE_FILES: u64 = 300;
const SPARE_BYTES: u64 = 4 << 20;
/// How many known trees are looked at for one that is alike.
const BASES: usize = 4;
/// How often the machine may say that it does not have what we thought it had.
const TRIES: u32 = 4;

/// Which trees a machine keeps, the newest last, as far as this server knows.
#[derive(Default)]
struct Known {
    epoch: String,
    trees: Vec<String>,
}

/// Brings code to a machine and starts runs on it.
pub(super) struct Stager {
    session: Arc<Session>,
    blobs: BlobStore,
    known: Mutex<Known>,
    /// One sender for each tree; the others wait and find it there.
    sending: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a run is started with.
pub(super) struct Start<'a> {
    /// The launch script.
    pub(super) launch: &'a str,
    /// Who starts it, if not the machine's own supervisor.
    pub(super) launcher: Option<Launcher>,
    /// Variables that are written nowhere.
    pub(super) secrets: &'a [(String, Secret)],
}

impl Start<'_> {
    /// Lines of POSIX sh that set the secrets, for the shell that starts the supervisor.
    fn exports(&self) -> Secret {
        let lines = self.secrets.iter();
        Secret::new(
            lines
                .map(|(name, value)| format!("export {name}={}\n", quote(value.expose())))
                .collect(),
        )
    }
}

/// How the code comes to a run.
struct Way {
    how: String,
    inline: Vec<u8>,
}

impl Stager {
    pub(super) fn new(session: Arc<Session>, blobs: BlobStore) -> Self {
        Self {
            session,
            blobs,
            known: Mutex::default(),
            sending: Mutex::default(),
        }
    }

    /// Stages and starts a run; whoever asks again is told that it was started. The answer says how the run is, if it was
    /// started just now.
    pub(super) async fn submit(
        &self,
        key: &RunKey,
        tree: &str,
        start: &Start<'_>,
    ) -> Result<Answer, DriverError> {
        let hello = self.session.hello(OPERATION).await?;
        {
            let mut known = lock(&self.known);
            if known.epoch != hello.epoch {
                *known = Known {
                    epoch: hello.epoch.clone(),
                    trees: hello.trees.clone(),
                };
            }
        }
        for _ in 0..TRIES {
            if self.knows(tree) {
                let way = Way {
                    how: "have".into(),
                    inline: Vec::new(),
                };
                if let Some(answer) = self.start(key, tree, start, &way).await? {
                    return Ok(answer);
                }
                // It has forgotten the tree.
                lock(&self.known).trees.retain(|known| known != tree);
                continue;
            }
            let turn = Arc::clone(lock(&self.sending).entry(tree.to_owned()).or_default());
            let _turn = turn.lock().await;
            if self.knows(tree) {
                continue;
            }
            let way = self.send(tree).await?;
            if let Some(answer) = self.start(key, tree, start, &way).await? {
                lock(&self.known).trees.push(tree.to_owned());
                lock(&self.sending).remove(tree);
                return Ok(answer);
            }
            // It has forgotten the tree that this one was to be made from.
            lock(&self.known).trees.clear();
        }
        Err(DriverError::temporary(
            ErrorKind::Target,
            OPERATION,
            format!("the target did not keep the code that was sent, {TRIES} times in a row"),
        )
        .with_hint("see whether something removes files below the target's folder"))
    }

    fn knows(&self, tree: &str) -> bool {
        lock(&self.known).trees.iter().any(|known| known == tree)
    }

    async fn start(
        &self,
        key: &RunKey,
        tree: &str,
        start: &Start<'_>,
        way: &Way,
    ) -> Result<Option<Answer>, DriverError> {
        let spare = if self.is_large(tree) { "yes" } else { "no" };
        let exports = start.exports();
        let secret = exports.expose().as_bytes();
        let (length, secret_length) = (start.launch.len().to_string(), secret.len().to_string());
        let input = [secret, start.launch.as_bytes(), &way.inline].concat();
        let arguments = [
            key.as_str(),
            tree,
            &way.how,
            spare,
            &length,
            start.launcher.map_or("process", Launcher::word),
            &secret_length,
        ];
        let answer = self.session.ask(OPERATION, "submit", &arguments, &input).await?;
        match answer.word() {
            "started" | "staged" => Ok(Some(answer)),
            "need" => Ok(None),
            other => {
                let message = format!("the target answered `{other}`");
                Err(DriverError::permanent(ErrorKind::Target, OPERATION, message))
            }
        }
    }

    fn tree(&self, id: &str) -> Result<Tree, DriverError> {
        let hash: Hash = id.parse().map_err(|_| {
            DriverError::permanent(
                ErrorKind::Invalid,
                OPERATION,
                format!("`{id}` is not the id of a tree"),
            )
        })?;
        self.blobs
            .get_tree(&hash)
            .map_err(|error| unpackable(&error.to_string()))
    }

    /// Whether a tree is large enough for a spare copy. Not known is small: it is only a matter of speed.
    fn is_large(&self, id: &str) -> bool {
        self.tree(id)
            .is_ok_and(|tree| tree.file_count() > SPARE_FILES || tree.total_size() > SPARE_BYTES)
    }

    /// Sends what is missing of a tree, or puts it at hand for the request.
    async fn send(&self, id: &str) -> Result<Way, DriverError> {
        let tree = self.tree(id)?;
        let (mut pack, mut bytes, mut base) = (
            Pack {
                entries: tree.entries().to_vec(),
                ..Pack::default()
            },
            tree.total_size(),
            None,
        );
        let candidates: Vec<String> = lock(&self.known)
            .trees
            .iter()
            .rev()
            .take(BASES)
            .cloned()
            .collect();
        for candidate in candidates {
            let found = self.tree(&candidate).ok().and_then(|known| delta(&known, &tree));
            if let Some(found) = found
                && found.bytes + 512 * found.changed.len() as u64
                    <= (bytes + 512 * pack.entries.len() as u64) / 2
            {
                bytes = found.bytes;
                pack.entries = found.changed;
                pack.removed = found.removed;
                base = Some(candidate);
            }
        }
        let suffix = base.as_ref().map_or(String::new(), |base| format!(":{base}"));
        if bytes + 1024 * (pack.entries.len() as u64) <= INLINE {
            let mut inline = Vec::new();
            pack.write(&self.blobs, &mut inline)
                .map_err(|error| unpackable(&error.to_string()))?;
            return Ok(Way {
                how: format!("inline{suffix}"),
                inline,
            });
        }
        pack.compressed = should_compress(&self.session, &self.blobs, &pack).await?;
        // The same pack has the same name, so that another try, also one of the next server, goes on with it.
        let from = base.as_deref().map_or("all", |base| &base[..base.len().min(12)]);
        let ending = if pack.compressed { ".gz" } else { "" };
        let name = format!("{id}.{from}.tar{ending}");
        upload(&self.session, &self.blobs, &name, &pack).await?;
        Ok(Way {
            how: format!("pack:{name}{suffix}"),
            inline: Vec::new(),
        })
    }
}
