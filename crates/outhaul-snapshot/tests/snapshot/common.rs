//! What all tests of snapshots share: a folder with a source, a store and an index.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use outhaul_snapshot::{
    BlobStore, Plan, ScanOptions, Snapshot, SnapshotError, TakeOptions, plan, silent, take,
};

pub struct Bench {
    folder: tempfile::TempDir,
    pub store: BlobStore,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("source")).unwrap();
        let store = BlobStore::open(folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    /// A bench whose source has these files; each holds its own path.
    pub fn with(files: &[&str]) -> Self {
        let bench = Self::new();
        for file in files {
            bench.write(file, file);
        }
        bench
    }

    pub fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn index(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let full = self.source().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, content).unwrap();
        full
    }

    pub fn link(&self, path: &str, target: impl AsRef<Path>) {
        let full = self.source().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        symlink(target, full).unwrap();
    }

    pub fn take(&self) -> Result<Snapshot, SnapshotError> {
        self.take_with(&TakeOptions::default())
    }

    pub fn take_with(&self, options: &TakeOptions) -> Result<Snapshot, SnapshotError> {
        take(&self.source(), &self.store, &self.index(), options, &silent)
    }

    pub fn plan(&self) -> Result<Plan, SnapshotError> {
        plan(&self.source(), &self.index(), &ScanOptions::default(), &silent)
    }

    /// Takes snapshots until all files are old enough to be known by their outside.
    pub fn settle(&self) -> Snapshot {
        let start = Instant::now();
        loop {
            let taken = self.take().unwrap();
            if taken.files_read == 0 {
                return taken;
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "files are read again and again"
            );
        }
    }

    /// The paths that a snapshot has.
    pub fn paths(&self) -> Vec<String> {
        self.plan()
            .unwrap()
            .tree
            .entries()
            .iter()
            .map(|entry| entry.path.clone())
            .collect()
    }

    /// The text of the error that a snapshot ends with.
    pub fn error(&self) -> String {
        self.take().unwrap_err().to_string()
    }
}

pub fn make_executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
