//! What an ended run left on a machine: listed, brought here in pieces that need not be brought twice, and kept.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Component, Path, PathBuf};

use outhaul_driver::{Collected, DriverError, ErrorKind, NativeId, OutputSink};

use super::session::Session;
use super::shell::{Input, Stream};
use crate::run_dir::names;

const OPERATION: &str = "collect the run's outputs";
/// Files up to this size travel together.
const SMALL: u64 = 1 << 20;
/// How much travels together; what broke off is brought again.
const BATCH: u64 = 16 << 20;
/// Larger files travel in pieces of this size.
const PIECE: u64 = 8 << 20;

/// A file on the machine: its path within the run's folder, and the name under which it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    path: String,
    size: u64,
}

/// What a listing says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listing {
    /// Files by the name under which they are kept.
    files: BTreeMap<String, Left>,
    /// Links by that name.
    links: BTreeMap<String, String>,
    skipped: Vec<(String, String)>,
}

/// The name under which a path of a run's folder is kept, if it is.
fn kept_name(path: &str) -> Option<String> {
    let name = match path.strip_prefix("code/") {
        Some(rest)
            if names::KEPT
                .iter()
                .any(|kept| rest.starts_with(&format!("{kept}/"))) =>
        {
            rest
        }
        Some(_) => return None,
        None => path.strip_prefix("uploads/")?,
    };
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (plain && !name.is_empty()).then(|| name.to_owned())
}

/// Reads lines of `ls -ln`: eight columns, then the name.
fn parse(lines: &[String]) -> Listing {
    let mut listing = Listing::default();
    for line in lines {
        let mut rest = line.as_str();
        let mut columns = Vec::new();
        for _ in 0..8 {
            rest = rest.trim_start();
            let end = rest.find(' ').unwrap_or(rest.len());
            columns.push(&rest[..end]);
            rest = &rest[end..];
        }
        let path = rest.strip_prefix(' ').unwrap_or(rest);
        let kind = columns[0].chars().next();
        let plain = if kind == Some('l') {
            path.split(" -> ").next().unwrap_or(path)
        } else {
            path
        };
        let (Some(name), Some(kind)) = (kept_name(plain), kind) else {
            continue;
        };
        match (kind, columns[4].parse()) {
            ('-', Ok(size)) => {
                let left = Left {
                    path: path.to_owned(),
                    size,
                };
                // What was handed over under a name wins over a file that happens to lie there.
                if path.starts_with("uploads/") || !listing.files.contains_key(&name) {
                    listing.files.insert(name, left);
                }
            }
            ('l', _) => {
                listing.links.insert(name, plain.to_owned());
            }
            _ => listing
                .skipped
                .push((name, "it is neither a file nor a folder".to_owned())),
        }
    }
    listing
}

/// Brings an ended run's files into `folder` and gives them to `sink`. May be repeated; what is whole in `folder` is
/// not brought again.
pub(super) async fn collect(
    session: &Session,
    id: &NativeId,
    folder: &Path,
    sink: &dyn OutputSink,
) -> Result<Collected, DriverError> {
    let answer = session.ask(OPERATION, "left", &[&id.0], b"").await?;
    let lines = &answer.lines[..answer.lines.len().saturating_sub(1)];
    let mut listing = parse(lines);
    resolve(session, id, &mut listing).await?;
    std::fs::create_dir_all(folder).map_err(|error| here(folder, error))?;
    let mut batch: Vec<(usize, &Left)> = Vec::new();
    let mut bytes = 0;
    for (number, left) in listing.files.values().enumerate() {
        let file = folder.join(number.to_string());
        if std::fs::metadata(&file).is_ok_and(|there| there.len() == left.size) {
            continue;
        }
        // A name that cannot stand on a line of a list has to travel alone, and cannot: it is told apart below.
        if left.size > SMALL {
            large(session, id, left, &file).await?;
            continue;
        }
        bytes += left.size + 512;
        batch.push((number, left));
        if bytes > BATCH {
            small(session, id, folder, &batch).await?;
            (batch, bytes) = (Vec::new(), 0);
        }
    }
    if !batch.is_empty() {
        small(session, id, folder, &batch).await?;
    }
    let mut collected = Collected {
        files: 0,
        skipped: listing.skipped,
    };
    for (number, (name, left)) in listing.files.iter().enumerate() {
        let file = folder.join(number.to_string());
        if !std::fs::metadata(&file).is_ok_and(|there| there.len() == left.size) {
            collected
                .skipped
                .push((name.clone(), "it cannot be read on the target".to_owned()));
            continue;
        }
        match sink.keep(name, &file).await {
            Ok(()) => collected.files += 1,
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => collected.skipped.push((name.clone(), error.message)),
        }
    }
    // Only room on our own disk.
    let _ = std::fs::remove_dir_all(folder);
    Ok(collected)
}

/// Finds out where links lead; those within the run's folder count as the files that they lead to.
async fn resolve(session: &Session, id: &NativeId, listing: &mut Listing) -> Result<(), DriverError> {
    if listing.links.is_empty() {
        return Ok(());
    }
    let links: Vec<(String, String)> = std::mem::take(&mut listing.links).into_iter().collect();
    let input: String = links.iter().map(|(_, path)| format!("{path}\n")).collect();
    let answer = session
        .ask(OPERATION, "resolve", &[&id.0], input.as_bytes())
        .await?;
    for ((name, _), line) in links.into_iter().zip(&answer.lines) {
        let skip = |reason: String| (name.clone(), reason);
        if let Some(file) = line.strip_prefix("file ") {
            let (size, path) = file.trim_start().split_once(' ').unwrap_or(("0", file));
            let left = Left {
                path: path.to_owned(),
                size: size.parse().unwrap_or(0),
            };
            listing.files.entry(name).or_insert(left);
        } else if let Some(real) = line.strip_prefix("outside ") {
            listing
                .skipped
                .push(skip(format!("it is a link to `{real}`, outside the run")));
        } else if line == "folder" {
            listing.skipped.push(skip("it is a link to a folder".to_owned()));
        } else {
            listing
                .skipped
                .push(skip("it is a link that leads nowhere".to_owned()));
        }
    }
    Ok(())
}

fn here(path: &Path, error: std::io::Error) -> DriverError {
    let error = DriverError::io(OPERATION, path.display(), error);
    DriverError {
        kind: if error.kind == ErrorKind::DiskFull {
            ErrorKind::DiskFull
        } else {
            ErrorKind::System
        },
        ..error
    }
}

/// Brings files that travel together.
async fn small(
    session: &Session,
    id: &NativeId,
    folder: &Path,
    batch: &[(usize, &Left)],
) -> Result<(), DriverError> {
    // A file that links lead to travels once: `tar` would send a second one as a mere reference.
    let mut numbers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, left) in batch {
        numbers.entry(left.path.as_str()).or_default().push(*number);
    }
    let list: String = numbers.keys().map(|path| format!("{path}\n")).collect();
    let line = session.installation().line("fetch", &[&id.0]);
    let mut output = Vec::new();
    let mut heard = |stream, bytes: &[u8]| {
        if stream == Stream::Stdout {
            output.extend_from_slice(bytes);
        }
    };
    session
        .shell()
        .run(&line, Input::Bytes(list.as_bytes()), &mut heard)
        .await
        .map_err(|error| error.during(OPERATION))?;
    let cut_off = || DriverError::temporary(ErrorKind::Unreachable, OPERATION, "the files came only in part");
    let body = super::answer::behind_mark(&output).ok_or_else(cut_off)?;
    let body = body.strip_prefix(b"tar\n").ok_or_else(cut_off)?;
    let mut archive = tar::Archive::new(body);
    for entry in archive.entries().map_err(|_| cut_off())? {
        let mut entry = entry.map_err(|_| cut_off())?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|_| cut_off())?;
        for number in numbers.get(path.as_str()).into_iter().flatten() {
            let file = folder.join(number.to_string());
            std::fs::write(&file, &content).map_err(|error| here(&file, error))?;
        }
    }
    Ok(())
}

/// Brings one large file, going on where an earlier try broke off.
async fn large(session: &Session, id: &NativeId, left: &Left, file: &Path) -> Result<(), DriverError> {
    let part: PathBuf = file.with_extension("part");
    let mut draft = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&part)
        .map_err(|error| here(&part, error))?;
    let mut at = draft.seek(SeekFrom::End(0)).map_err(|error| here(&part, error))?;
    while at < left.size {
        let wanted = PIECE.min(left.size - at);
        // `dd` counts in blocks; the last piece is cut by `head`.
        let script = format!(
            "cd 'runs/{}' && tail -c +{} {} | head -c {wanted}\n",
            id.0,
            at + 1,
            crate::run_dir::quote(&left.path)
        );
        let (_, bytes) = session.script(OPERATION, &script, b"").await?;
        if bytes.is_empty() {
            return Ok(());
        }
        draft.write_all(&bytes).map_err(|error| here(&part, error))?;
        at += bytes.len() as u64;
    }
    std::fs::rename(&part, file).map_err(|error| here(file, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read() {
        let lines = [
            "-rw------- 1 1000 1000 12 Nov 25 02:00 code/outputs/model one.pkl",
            "-rw------- 1 1000 1000 3 Nov 25  2025 code/logs/a.log",
            "-rw------- 1 1000 1000 7 Nov 25 02:00 uploads/logs/a.log",
            "lrwxrwxrwx 1 1000 1000 7 Nov 25 02:00 code/outputs/best -> model one.pkl",
            "prw------- 1 1000 1000 0 Nov 25 02:00 code/outputs/pipe",
            "-rw------- 1 1000 1000 7 Nov 25 02:00 code/train.py",
            "-rw------- 1 1000 1000 7 Nov 25 02:00 uploads/../../etc/passwd",
        ]
        .map(str::to_owned);
        let listing = parse(&lines);
        let files: Vec<_> = listing
            .files
            .iter()
            .map(|(name, left)| (name.as_str(), left.path.as_str(), left.size))
            .collect();
        assert_eq!(
            files,
            [
                ("logs/a.log", "uploads/logs/a.log", 7),
                ("outputs/model one.pkl", "code/outputs/model one.pkl", 12)
            ]
        );
        assert_eq!(listing.links["outputs/best"], "code/outputs/best");
        assert_eq!(listing.skipped[0].0, "outputs/pipe");
    }
}
