//! The file that holds the master key: who may read it, and making it so that all processes agree on one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{MasterKey, VaultError};

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// A key with white space around it is shorter.
const LONGEST: usize = 256;

pub(crate) fn open(path: &Path) -> Result<MasterKey, VaultError> {
    check_folder(path)?;
    read(path)
}

pub(crate) fn open_or_create(path: &Path) -> Result<MasterKey, VaultError> {
    let mut folder = DirBuilder::new();
    folder.recursive(true).mode(FOLDER_MODE);
    folder
        .create(folder_of(path))
        .map_err(|why| failed(path, "made", why))?;
    check_folder(path)?;
    match std::fs::symlink_metadata(path) {
        Err(why) if why.kind() == ErrorKind::NotFound => create(path)?,
        _ => {}
    }
    let key = read(path)?;
    // Another process may have made it a moment ago, and what is sealed with it must not outlive it. A folder that
    // cannot be flushed (it is read-only) holds no file that is new.
    let _ = flush(&folder_of(path));
    Ok(key)
}

/// Writes a new key aside and links it to its place, which fails when somebody else was quicker: then theirs counts. The
/// file is complete from the moment it has its name.
fn create(path: &Path) -> Result<(), VaultError> {
    let key = MasterKey::generate()?;
    let aside = aside(path)?;
    let placed = write(&aside, &key).and_then(|()| match std::fs::hard_link(&aside, path) {
        Err(why) if why.kind() == ErrorKind::AlreadyExists => Ok(()),
        placed => placed,
    });
    let _ = std::fs::remove_file(&aside);
    placed
        .and_then(|()| flush(&folder_of(path)))
        .map_err(|why| failed(path, "made", why))
}

fn write(path: &Path, key: &MasterKey) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    let text = key.to_text();
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// A name beside the file that nobody else has.
fn aside(path: &Path) -> Result<PathBuf, VaultError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(VaultError::NoRandomness)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{:016x}", u64::from_be_bytes(random)));
    Ok(path.with_file_name(name))
}

fn read(path: &Path) -> Result<MasterKey, VaultError> {
    let read_failed = |why| failed(path, "read", why);
    // Before it is opened: opening a pipe waits for somebody to write.
    if !std::fs::metadata(path).map_err(read_failed)?.is_file() {
        return Err(read_failed(io::Error::other("it is no regular file")));
    }
    let file = File::open(path).map_err(read_failed)?;
    let mode = file.metadata().map_err(read_failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(exposed("the master key file", path, mode, "600"));
    }
    // Its full size from the beginning: growing would leave a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64)
        .read_to_end(&mut text)
        .map_err(read_failed)?;
    let key = std::str::from_utf8(&text).ok().and_then(MasterKey::from_str);
    key.ok_or_else(|| VaultError::KeyFileDamaged {
        path: path.to_owned(),
    })
}

/// Whoever can write in the folder can put another key in place.
fn check_folder(path: &Path) -> Result<(), VaultError> {
    let folder = folder_of(path);
    let metadata = std::fs::metadata(&folder).map_err(|why| failed(path, "read", why))?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 == 0 {
        Ok(())
    } else {
        Err(exposed("the folder of the master key", &folder, mode, "700"))
    }
}

fn flush(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn exposed(what: &'static str, path: &Path, mode: u32, wanted: &str) -> VaultError {
    VaultError::Exposed {
        what,
        path: path.to_owned(),
        mode,
        fix: format!("chmod {wanted} {}", quoted(path)),
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("-- '{}'", text.replace('\'', r"'\''"))
    }
}

fn failed(path: &Path, what: &'static str, why: io::Error) -> VaultError {
    VaultError::KeyFile {
        path: path.to_owned(),
        what,
        why,
    }
}
