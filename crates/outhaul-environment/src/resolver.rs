//! What resolvers say: their answers as pinned lines, their failures by kind and in their own words. Pure.

use serde::Deserialize;

use crate::plan::Tool;
use crate::redact::redact_urls;
use crate::requirement::normal_name;

/// Longest failure text that is kept, in characters.
const MAX_WORDS: usize = 4000;

/// What a failing tool's output tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No set of packages satisfies the spec.
    Unsolvable,
    /// An index could not be reached, or its certificate is not trusted here.
    Network,
    /// No space left.
    DiskFull,
    /// Something else, as a package that does not build.
    Other,
}

/// A failure, sorted and trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The tool's own words.
    pub words: String,
}

/// Sorts a tool's failure by the words it uses.
#[must_use]
pub fn classify_failure(output: &str) -> FailureKind {
    const FULL: &[&str] = &[
        "no space left on device",
        "os error 28",
        "errno 28",
        "disk quota exceeded",
        "os error 122",
    ];
    const NETWORK: &[&str] = &[
        "dns error",
        "tcp connect error",
        "connection refused",
        "connection reset",
        "connection aborted",
        "error sending request",
        "name resolution",
        "name or service not known",
        "network is unreachable",
        "no route to host",
        "timed out",
        "newconnectionerror",
        "remote end closed connection",
        "network was disabled",
        "certificate verify failed",
        "certificate_verify_failed",
        "invalid peer certificate",
        "tunnel connection failed",
        "proxyerror",
        "(408 ",
        "(429 ",
        "(500 ",
        "(502 ",
        "(503 ",
        "(504 ",
        "502 bad gateway",
        "503 service",
        "504 gateway",
        "429 too many",
        "500 internal server error",
        "503 server error",
    ];
    const UNSOLVABLE: &[&str] = &[
        "no solution found",
        "no matching distribution",
        "resolutionimpossible",
        "could not find a version that satisfies",
        "requirements are unsatisfiable",
        "was not found in the package registry",
        "couldn't parse requirement",
        "invalid requirement",
        "failed to parse",
        "resolution too deep",
    ];
    let output = output.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| output.contains(word));
    if says(FULL) {
        FailureKind::DiskFull
    } else if says(NETWORK) {
        FailureKind::Network
    } else if says(UNSOLVABLE) {
        FailureKind::Unsolvable
    } else {
        FailureKind::Other
    }
}

/// The part of a tool's error output that explains the failure, in its own words, without progress and colours, and
/// without passwords in addresses.
#[must_use]
pub fn explain_failure(tool: Tool, stderr: &str) -> String {
    let plain = redact_urls(&without_colours(stderr));
    let noise = |line: &str| {
        let line = line.trim();
        const STARTS: &[&str] = &[
            "Collecting ",
            "Downloading ",
            "Downloaded ",
            "Using cached ",
            "Using Python ",
            "Using CPython ",
            "Creating virtual environment",
            "Activate with",
            "Looking in ",
            "Obtaining ",
            "Preparing metadata",
            "Installing build dependencies",
            "Getting requirements to build",
            "Resolved ",
            "Prepared ",
            "Installed ",
            "Building ",
            "Built ",
            "[notice]",
            "Defaulting to user",
            "Requirement already satisfied",
        ];
        line.is_empty() || STARTS.iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> = plain
        .lines()
        .map(str::trim_end)
        .filter(|line| !noise(line))
        .collect();
    let begins = |line: &&str| match tool {
        Tool::Uv => line.starts_with("error:") || line.trim_start().starts_with('×'),
        Tool::Pip | Tool::None => line.starts_with("ERROR:") || line.trim_start().starts_with("error:"),
    };
    // Without a line that announces the error, the end of the output is the best there is.
    let from = lines
        .iter()
        .position(begins)
        .unwrap_or(lines.len().saturating_sub(20));
    let words = lines[from..].join("\n");
    let excess = words.chars().count().saturating_sub(MAX_WORDS);
    if words.is_empty() {
        return "the tool gave no reason".to_owned();
    }
    if excess == 0 {
        return words;
    }
    // Build tools put the reason last, resolvers first: keep both ends.
    let head: String = words.chars().take(MAX_WORDS / 2).collect();
    let tail: String = words.chars().skip(MAX_WORDS / 2 + excess).collect();
    format!("{head}\n[…]\n{tail}")
}

fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.peek() == Some(&'[') {
            while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
        } else if c != '\r' {
            plain.push(c);
        }
    }
    plain
}

#[derive(Deserialize)]
struct Report {
    version: String,
    #[serde(default)]
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    is_direct: bool,
    #[serde(default)]
    download_info: DownloadInfo,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DownloadInfo {
    url: String,
    archive_info: Option<ArchiveInfo>,
    vcs_info: Option<VcsInfo>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ArchiveInfo {
    hash: Option<String>,
    hashes: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct VcsInfo {
    vcs: String,
    commit_id: String,
}

/// Pinned lines from `pip install --dry-run --report`, sorted by name, with SHA-256 hashes where pip knows them.
pub fn parse_pip_report(json: &[u8]) -> Result<String, String> {
    let report: Report =
        serde_json::from_slice(json).map_err(|error| format!("pip's report makes no sense: {error}"))?;
    if report.version != "1" {
        return Err(format!(
            "pip's report has version `{}`, only `1` is known",
            report.version
        ));
    }
    let mut lines: Vec<(String, String)> = Vec::with_capacity(report.install.len());
    for Item {
        metadata: Metadata { name, version },
        is_direct,
        download_info,
    } in report.install
    {
        let archive = download_info.archive_info.unwrap_or_default();
        let hash = archive.hashes.get("sha256").cloned().or_else(|| {
            archive
                .hash
                .as_deref()?
                .strip_prefix("sha256=")
                .map(str::to_owned)
        });
        let mut line = match download_info.vcs_info {
            Some(vcs) => format!("{name} @ {}+{}@{}", vcs.vcs, download_info.url, vcs.commit_id),
            None if is_direct => format!("{name} @ {}", download_info.url),
            None => format!("{name}=={version}"),
        };
        if let Some(hash) = hash {
            line.push_str(" --hash=sha256:");
            line.push_str(&hash);
        }
        lines.push((normal_name(&name), line));
    }
    lines.sort();
    Ok(lines.into_iter().map(|(_, line)| line + "\n").collect())
}

/// Pinned lines from `uv pip compile --generate-hashes`, without comments and options; one line per package.
#[must_use]
pub fn parse_uv_compile(output: &str) -> String {
    let joined = output.replace("\r\n", "\n").replace("\\\n", " ");
    let mut lines = String::new();
    for line in joined.lines() {
        let words: Vec<&str> = line
            .split_whitespace()
            .take_while(|word| !word.starts_with('#'))
            .collect();
        let Some(first) = words.first() else { continue };
        if first.starts_with('-') {
            continue;
        }
        lines.push_str(&words.join(" "));
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const UV_MISSING: &str = "Using Python 3.11.7 environment at: v1\nerror: No solution found when resolving dependencies\n  cause: Because nosuch was not found in the package registry and you require nosuch==1.0, we can conclude that your requirements are unsatisfiable.\n";
    const PIP_MISSING: &str = "Looking in links: /w\nERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)\nERROR: No matching distribution found for nosuch\n\n[notice] A new release of pip is available\n";

    #[test]
    fn failures_are_sorted() {
        for (text, kind) in [
            (UV_MISSING, FailureKind::Unsolvable),
            (PIP_MISSING, FailureKind::Unsolvable),
            (
                "error: Failed to fetch: x\n  cause: dns error\n",
                FailureKind::Network,
            ),
            (
                "error: x\n  cause: tcp connect error\n  cause: Connection refused (os error 111)",
                FailureKind::Network,
            ),
            (
                "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(x)'\nERROR: No matching distribution found for six",
                FailureKind::Network,
            ),
            (
                "error: failed to copy: No space left on device (os error 28)",
                FailureKind::DiskFull,
            ),
            ("Error: [Errno 28] No space left on device", FailureKind::DiskFull),
            ("error: command 'gcc' failed with exit code 1", FailureKind::Other),
        ] {
            assert_eq!(classify_failure(text), kind, "{text}");
        }
    }

    #[test]
    fn the_tools_own_words_are_kept() {
        insta::assert_snapshot!(explain_failure(Tool::Uv, UV_MISSING), @r#"
    error: No solution found when resolving dependencies
      cause: Because nosuch was not found in the package registry and you require nosuch==1.0, we can conclude that your requirements are unsatisfiable.
    "#);
        insta::assert_snapshot!(explain_failure(Tool::Pip, PIP_MISSING), @r#"
    ERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)
    ERROR: No matching distribution found for nosuch
    "#);
        assert_eq!(
            explain_failure(Tool::Uv, "Resolved 1 package\n"),
            "the tool gave no reason"
        );
        assert_eq!(
            explain_failure(
                Tool::Uv,
                "\u{1b}[31merror\u{1b}[0m: at https://me:geheim@host/simple\n"
            ),
            "error: at https://***@host/simple"
        );
        let long = format!("error: first\n{}\nlast", "x".repeat(9000));
        let words = explain_failure(Tool::Uv, &long);
        assert!(words.starts_with("error: first") && words.ends_with("last") && words.len() < 4100);
    }

    #[test]
    fn answers_become_pinned_lines() {
        let report = br#"{"version":"1","pip_version":"23","install":[
          {"metadata":{"name":"six","version":"1.17.0"},"is_direct":false,"download_info":{"url":"u","archive_info":{"hash":"sha256=aa","hashes":{"sha256":"aa"}}}},
          {"metadata":{"name":"Old","version":"1"},"download_info":{"url":"u","archive_info":{"hash":"sha256=bb"}}},
          {"metadata":{"name":"vcs","version":"1"},"is_direct":true,"download_info":{"url":"https://h/v.git","vcs_info":{"vcs":"git","commit_id":"0ff"}}},
          {"metadata":{"name":"direct","version":"1"},"is_direct":true,"download_info":{"url":"https://h/d.whl","archive_info":{"hashes":{"sha256":"cc"}}}}
        ]}"#;
        insta::assert_snapshot!(parse_pip_report(report).unwrap(), @r#"
    direct @ https://h/d.whl --hash=sha256:cc
    Old==1 --hash=sha256:bb
    six==1.17.0 --hash=sha256:aa
    vcs @ git+https://h/v.git@0ff
    "#);
        assert!(parse_pip_report(b"{\"version\":\"2\"}").is_err());
        assert!(parse_pip_report(b"nonsense").is_err());
        let uv = "# made by uv\n--index-url https://h/simple\nsix==1.17.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via x\nb==1 ; sys_platform == 'linux'\n";
        assert_eq!(
            parse_uv_compile(uv),
            "six==1.17.0 --hash=sha256:aa --hash=sha256:bb\nb==1 ; sys_platform == 'linux'\n"
        );
    }
}
