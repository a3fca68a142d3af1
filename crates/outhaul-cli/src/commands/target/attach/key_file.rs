//! The file of a private key: whether it is one, and whether it needs a passphrase.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outhaul_types::Secret;
use zeroize::Zeroizing;

use crate::error::CliError;

/// No key and no certificate is larger, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Reads a small text file; `what` is what it holds.
pub(super) fn read(path: &Path, what: &str) -> Result<Secret, CliError> {
    let shown = path.display();
    let cannot = |error: std::io::Error| {
        CliError::user(match error.kind() {
            std::io::ErrorKind::NotFound => format!("no such {what} file `{shown}`"),
            _ => format!("{what} file `{shown}` cannot be read: {error}"),
        })
    };
    let file = std::fs::File::open(path).map_err(cannot)?;
    let meta = file.metadata().map_err(cannot)?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(CliError::user(format!("`{shown}` is not the file of a {what}")));
    }
    // A buffer that never grows leaves no copy behind.
    let mut text = Zeroizing::new(String::with_capacity(LARGEST as usize + 2));
    file.take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => {
                CliError::user(format!("`{shown}` is not the file of a {what}"))
            }
            _ => cannot(error),
        })?;
    Ok(Secret::new(std::mem::take(&mut *text)))
}

/// Whether a text is that of a private key.
pub(super) fn is_private_key(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim().starts_with("-----BEGIN ") && line.contains("PRIVATE KEY-----"))
}

/// Whether a private key needs its passphrase.
pub(super) fn is_encrypted(text: &str) -> bool {
    const MAGIC: &[u8] = b"openssh-key-v1\0";
    let mut lines = text.lines().map(str::trim);
    match lines.find(|line| line.starts_with("-----BEGIN ")) {
        Some("-----BEGIN OPENSSH PRIVATE KEY-----") => {}
        Some(begin) => {
            return begin.contains("ENCRYPTED") || lines.any(|line| line == "Proc-Type: 4,ENCRYPTED");
        }
        None => return false,
    }
    // The name of the cipher stands at the beginning, before anything that is secret.
    let start: String = lines
        .take_while(|line| !line.starts_with("-----"))
        .flat_map(str::chars)
        .take(64)
        .collect();
    let Ok(bytes) = STANDARD.decode(start) else {
        return false;
    };
    let cipher = bytes.strip_prefix(MAGIC).and_then(|rest| {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        rest.get(..u32::from_be_bytes(*length) as usize)
    });
    cipher.is_some_and(|cipher| cipher != b"none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openssh(cipher: &str) -> String {
        let mut bytes = b"openssh-key-v1\0".to_vec();
        bytes.extend_from_slice(&u32::try_from(cipher.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(cipher.as_bytes());
        bytes.extend_from_slice(&[0; 90]);
        let body = STANDARD.encode(bytes);
        let lines: Vec<String> = body
            .as_bytes()
            .chunks(70)
            .map(|c| String::from_utf8(c.to_vec()).unwrap())
            .collect();
        format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\r\n{}\r\n-----END OPENSSH PRIVATE KEY-----\r\n",
            lines.join("\r\n")
        )
    }

    #[test]
    fn keys_that_need_a_passphrase_are_told_apart() {
        let pem =
            |head: &str, more: &str| format!("-----BEGIN {head}-----\n{more}MIIE\n-----END {head}-----\n");
        for (text, private, encrypted) in [
            (openssh("none"), true, false),
            (openssh("aes256-ctr"), true, true),
            (openssh("aes256-ctr").replace("\r\n", "\n  "), true, true),
            (pem("RSA PRIVATE KEY", ""), true, false),
            (
                pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n"),
                true,
                true,
            ),
            (pem("ENCRYPTED PRIVATE KEY", ""), true, true),
            (pem("PRIVATE KEY", ""), true, false),
            (pem("PUBLIC KEY", ""), false, false),
            ("ssh-ed25519 AAAA me@box\n".to_owned(), false, false),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(), true, false),
            (String::new(), false, false),
        ] {
            assert_eq!(
                (is_private_key(&text), is_encrypted(&text)),
                (private, encrypted),
                "{text}"
            );
        }
    }

    #[test]
    fn wrong_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(
            read(&path, "private key")
                .unwrap_err()
                .message
                .starts_with("no such private key file `")
        );
        std::fs::write(&path, [0xff; 10]).unwrap();
        assert!(
            read(&path, "private key")
                .unwrap_err()
                .message
                .contains("is not the file of a private key")
        );
        std::fs::write(&path, vec![b'a'; 70_000]).unwrap();
        assert!(read(&path, "private key").is_err() && read(folder.path(), "private key").is_err());
        std::fs::write(&path, "text").unwrap();
        assert_eq!(read(&path, "private key").unwrap(), Secret::new("text".into()));
    }
}
