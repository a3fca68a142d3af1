//! The master key: 32 bytes from a text or from a file that only its owner can read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outhaul_types::Secret;
use zeroize::Zeroizing;

/// Length of a master key in bytes.
const LENGTH: usize = 32;

/// The key that everything is sealed with. Its `Debug` shows nothing of it, and it is overwritten when it is dropped.
#[derive(Clone)]
pub struct MasterKey(pub(crate) Zeroizing<[u8; LENGTH]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no key.
    #[error(
        "the master key is not 64 hexadecimal digits or base64 of 32 bytes; `openssl rand -hex 32` makes one"
    )]
    NotAKey,
    /// Others can read the file.
    #[error("the key file `{0}` can be read by others; `chmod 600 {0}` keeps them out")]
    Open(String),
    /// The file holds something else.
    #[error(
        "the key file `{0}` does not hold a key; restore it from a backup: what was sealed with the key cannot be read without it"
    )]
    Damaged(String),
    /// The file cannot be read or made.
    #[error("the key file `{path}` cannot be used: {cause}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system says.
        cause: std::io::Error,
    },
    /// The operating system gives no random bytes.
    #[error("no random bytes are to be had for a new key: {0}")]
    Random(getrandom::Error),
}

impl MasterKey {
    /// Reads a key from a text, such as an environment variable's value.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`], which does not repeat the text.
    pub fn from_text(text: &Secret) -> Result<Self, KeyError> {
        let text = text.expose().trim();
        let mut key = Zeroizing::new([0; LENGTH]);
        if text.len() == 2 * LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
                *byte = digit(digits[0]) << 4 | digit(digits[1]);
            }
            return Ok(Self(key));
        }
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| KeyError::NotAKey)?);
        if bytes.len() != LENGTH {
            return Err(KeyError::NotAKey);
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        getrandom::fill(key.as_mut_slice()).map_err(KeyError::Random)?;
        Ok(Self(key))
    }

    /// Opens the key file, making it with a new key where there is none. Of several processes that make it at once, one
    /// wins and all get its key.
    ///
    /// # Errors
    /// When others can read it, it does not hold a key, or it cannot be used.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        let io = |cause| KeyError::Io {
            path: path.display().to_string(),
            cause,
        };
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(io)?;
        }
        match Self::open(path) {
            Err(KeyError::Io { cause, .. }) if cause.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
        let fresh = Self::generate()?;
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(KeyError::Random)?;
        let draft = path.with_extension(format!("{:016x}", u64::from_ne_bytes(name)));
        let written = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| {
                let text = Zeroizing::new(STANDARD.encode(fresh.0.as_slice()));
                file.write_all(text.as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            // A link, unlike a rename, does not replace the file of whoever was quicker.
            .and_then(|()| fs::hard_link(&draft, path));
        let _ = fs::remove_file(&draft);
        match written {
            Ok(()) => Ok(fresh),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::open(path),
            Err(error) => Err(io(error)),
        }
    }

    fn open(path: &Path) -> Result<Self, KeyError> {
        let io = |cause| KeyError::Io {
            path: path.display().to_string(),
            cause,
        };
        let mut file = fs::File::open(path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Open(path.display().to_string()));
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|_| KeyError::Damaged(path.display().to_string()))?;
        Self::from_text(&Secret::new(text)).map_err(|_| KeyError::Damaged(path.display().to_string()))
    }

    /// A name of the key that tells nothing about it.
    pub(crate) fn id(&self) -> [u8; 8] {
        let hash = blake3::derive_key("outhaul master key id", self.0.as_slice());
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_both_kinds_are_read_and_others_are_not_repeated() {
        let hex = Secret::new("ab".repeat(32));
        let base64 = Secret::new(format!("{}\n", STANDARD.encode([0xab; 32])));
        let (one, two) = (
            MasterKey::from_text(&hex).unwrap(),
            MasterKey::from_text(&base64).unwrap(),
        );
        assert_eq!((*one.0, *one.0), ([0xab; 32], *two.0));
        for text in ["", "hunter2", &"ab".repeat(31), &STANDARD.encode([1; 31])] {
            let error = MasterKey::from_text(&Secret::new(text.to_owned()))
                .unwrap_err()
                .to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
        assert_eq!(format!("{one:?}"), "MasterKey(..)");
    }

    #[test]
    fn whoever_makes_the_file_at_once_gets_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| MasterKey::open_or_create(&path).unwrap()))
                .collect();
            tasks.into_iter().map(|task| *task.join().unwrap().0).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_open_or_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::open_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = MasterKey::open_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        fs::write(&path, "short").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(
            MasterKey::open_or_create(&path),
            Err(KeyError::Damaged(_))
        ));
    }
}
