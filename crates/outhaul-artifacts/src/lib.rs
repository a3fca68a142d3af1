//! Artifacts: the files that runs leave, kept by content behind one trait. [`FolderArtifacts`] keeps them in a
//! folder; object stores follow behind the same trait. What is made of several files, a model, is a tree whose contents
//! are artifacts.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use outhaul_snapshot::{BlobStore, Hash, SnapshotError, Tree};

/// Why an artifact could not be kept or given out.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file to be kept cannot be read.
    #[error("`{path}` cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system says.
        cause: std::io::Error,
    },
    /// The disk that holds the artifacts is full.
    #[error("{0}")]
    DiskFull(String),
    /// There is no such artifact.
    #[error("there is no artifact `{0}`")]
    NotFound(String),
    /// An artifact that is not what it was kept as.
    #[error("`{what}` is not as it was kept: its content is missing or damaged")]
    Damaged {
        /// Its path, or its hash.
        what: String,
    },
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

/// An artifact that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its content hash (blake3, hexadecimal): the name it is found by.
    pub hash: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Keeps files by content.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Keeps a file that lies on this machine. Keeping the same content twice keeps it once.
    async fn keep(&self, file: &Path) -> Result<Kept, ArtifactError>;

    /// A file on this machine with the content of an artifact, to be read and left alone.
    async fn file(&self, hash: &str) -> Result<PathBuf, ArtifactError>;

    /// Keeps a tree, and gives its content id. Its contents are kept on their own.
    async fn keep_tree(&self, tree: &Tree) -> Result<String, ArtifactError>;

    /// A tree by its content id.
    async fn tree(&self, id: &str) -> Result<Tree, ArtifactError>;
}

/// Artifacts in a folder.
pub struct FolderArtifacts(BlobStore);

impl FolderArtifacts {
    /// Opens the folder, making it where it is not there.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn open(root: &Path) -> Result<Self, ArtifactError> {
        BlobStore::open(root).map(Self).map_err(translate)
    }
}

#[async_trait]
impl ArtifactStore for FolderArtifacts {
    async fn keep(&self, file: &Path) -> Result<Kept, ArtifactError> {
        std::fs::File::open(file).map_err(|cause| ArtifactError::Unreadable {
            path: file.display().to_string(),
            cause,
        })?;
        let (store, file) = (self.0.clone(), file.to_owned());
        // Copied, never linked: whoever still holds the file open must not be able to change what was kept.
        let put = blocking(move || store.put_file(&file)).await?;
        Ok(Kept {
            hash: put.hash.to_string(),
            size: put.size,
        })
    }

    async fn file(&self, hash: &str) -> Result<PathBuf, ArtifactError> {
        let parsed = parse(hash)?;
        if self.0.has(&parsed) {
            Ok(self.0.path_of(&parsed))
        } else {
            Err(ArtifactError::NotFound(hash.to_owned()))
        }
    }

    async fn keep_tree(&self, tree: &Tree) -> Result<String, ArtifactError> {
        let (store, tree) = (self.0.clone(), tree.clone());
        Ok(blocking(move || store.put_tree(&tree)).await?.to_hex())
    }

    async fn tree(&self, id: &str) -> Result<Tree, ArtifactError> {
        let (store, parsed) = (self.0.clone(), parse(id)?);
        if !store.has(&parsed) {
            return Err(ArtifactError::NotFound(id.to_owned()));
        }
        blocking(move || store.get_tree(&parsed)).await
    }
}

fn parse(hash: &str) -> Result<Hash, ArtifactError> {
    hash.parse().map_err(|_| ArtifactError::NotFound(hash.to_owned()))
}

/// Does what waits for the disk where it holds up nobody else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ArtifactError::Store(error.to_string()))?
        .map_err(translate)
}

fn translate(error: SnapshotError) -> ArtifactError {
    match error {
        SnapshotError::DiskFull { .. } => ArtifactError::DiskFull(error.to_string()),
        SnapshotError::MissingBlob { hash, path } | SnapshotError::CorruptBlob { hash, path } => {
            ArtifactError::Damaged {
                what: path.unwrap_or_else(|| hash.to_hex()),
            }
        }
        other => ArtifactError::Store(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_kept_does_not_change_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderArtifacts::open(&folder.path().join("artifacts")).unwrap();
        let file = folder.path().join("model.pkl");
        std::fs::write(&file, "weights").unwrap();
        let kept = store.keep(&file).await.unwrap();
        std::fs::write(&file, "changed").unwrap();
        let path = store.file(&kept.hash).await.unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "weights");
        assert_eq!(
            (kept.size, kept.hash.as_str()),
            (7, blake3::hash(b"weights").to_hex().as_str())
        );
    }

    #[tokio::test]
    async fn unknown_artifacts_and_unreadable_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderArtifacts::open(folder.path()).unwrap();
        assert!(matches!(
            store.file("../../etc/passwd").await,
            Err(ArtifactError::NotFound(_))
        ));
        assert!(matches!(
            store.keep(Path::new("/no/such/file")).await,
            Err(ArtifactError::Unreadable { .. })
        ));
    }
}
