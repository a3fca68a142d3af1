//! What an interpreter says about itself: the question, and the reading of the answer. Pure.

use serde::{Deserialize, Serialize};

use crate::version::Version;

/// Program that an interpreter runs to describe itself in one line of JSON.
pub const PROBE: &str = "import json,os,platform,sys;\
print(json.dumps({'executable':sys.executable,'real':os.path.realpath(sys.executable),\
'version':'%d.%d.%d'%sys.version_info[:3],'platform':sys.platform+'-'+platform.machine(),\
'implementation':sys.implementation.name}))";

/// An interpreter's description of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The interpreter's own path: behind a pyenv shim, the real one.
    pub executable: String,
    /// The same with links followed.
    pub real: String,
    /// Its version.
    pub version: Version,
    /// System and processor, such as `linux-x86_64`.
    pub platform: String,
    /// `cpython`, `pypy`, …
    pub implementation: String,
}

/// Reads the answer to [`PROBE`]. Lines in front of it (site customisations like to print) are passed over.
pub fn parse_probe(stdout: &[u8]) -> Result<Probed, String> {
    let text = String::from_utf8_lossy(stdout);
    let line = text.lines().rev().find(|line| line.trim_start().starts_with('{'));
    let line = line.ok_or("it did not answer like a python interpreter")?;
    let probed: Probed =
        serde_json::from_str(line).map_err(|error| format!("its answer makes no sense: {error}"))?;
    if probed.executable.is_empty() {
        return Err("it does not know its own path".to_owned());
    }
    Ok(probed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let line = r#"{"executable":"/p/python3","real":"/p/python3.11","version":"3.11.7","platform":"linux-x86_64","implementation":"cpython"}"#;
        let probed = parse_probe(format!("hello\n{line}\n").as_bytes()).unwrap();
        assert_eq!(
            (probed.executable.as_str(), probed.version.minor),
            ("/p/python3", 11)
        );
        for bad in [
            "",
            "{}",
            "Python 3",
            &line.replace("/p/python3\"", "\""),
            &line.replace("3.11.7", "x"),
        ] {
            assert!(parse_probe(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
