//! Values on the command line that are more than a text.

use std::str::FromStr;

use outhaul_types::EnvironmentSpec;
use outhaul_types::id::{InvalidName, check_name};
use outhaul_types::spark;
use outhaul_types::spec::is_variable_name;

/// A name that the scheduler of a cluster knows.
pub(crate) fn slurm_name(text: &str) -> Result<String, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | ',' | '@' | ':');
    if !text.is_empty() && text.len() <= 255 && text.chars().all(known) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is no name of a partition, account or quality of service"
        ))
    }
}

/// A name of an HDInsight cluster.
pub(crate) fn cluster_name(text: &str) -> Result<String, String> {
    if spark::is_cluster_name(text) {
        return Ok(text.to_owned());
    }
    Err("a cluster's name has 3 to 59 letters, digits and hyphens".to_owned())
}

/// A master of Spark. What the cluster makes of it is seen when it is attached.
pub(crate) fn master(text: &str) -> Result<String, String> {
    let local = text == "local" || (text.starts_with("local[") && text.ends_with(']'));
    if text == "yarn" || local || text.starts_with("spark://") {
        return Ok(text.to_owned());
    }
    Err("use `yarn`, `spark://HOST:PORT` or `local[*]`".to_owned())
}

/// A framework, in any case. Runs of all but PySpark are Python runs.
pub(crate) fn framework(text: &str) -> Result<Framework, String> {
    match text.to_ascii_lowercase().as_str() {
        "pyspark" => Ok(Framework::PySpark),
        "python" | "pytorch" | "tensorflow" | "cntk" => Ok(Framework::Python),
        _ => Err("there is `python`, `pyspark`, `pytorch`, `tensorflow` and `cntk`".to_owned()),
    }
}

/// What starts a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framework {
    /// Python.
    Python,
    /// `spark-submit`.
    PySpark,
}

/// A Spark package.
pub(crate) fn spark_package(text: &str) -> Result<String, String> {
    if spark::is_package(text) {
        return Ok(text.to_owned());
    }
    Err("write it as `GROUP:ARTIFACT:VERSION`".to_owned())
}

/// A size of memory in bytes.
pub(crate) fn memory(text: &str) -> Result<u64, String> {
    outhaul_types::size::parse_size(text)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{text}` is not a size; write a number with a unit, such as `512M` or `8G`"))
}

/// An environment that a program spells out.
pub(crate) fn environment_spec(text: &str) -> Result<Box<EnvironmentSpec>, String> {
    serde_json::from_str(text).map_err(|error| format!("not an environment: {error}"))
}

/// The longest body of a request, in bytes: lengths in frames have 32 bits.
pub(crate) fn body_size(text: &str) -> Result<usize, String> {
    let bytes = memory(text)?;
    u32::try_from(bytes)
        .ok()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| format!("`{text}` is too much; the limit has to be below 4G"))
}

/// A name for a run.
pub(crate) fn run_name(text: &str) -> Result<String, InvalidName> {
    check_name("run", text).map(|()| text.to_owned())
}

/// A name for an experiment.
pub(crate) fn experiment_name(text: &str) -> Result<String, InvalidName> {
    check_name("experiment", text).map(|()| text.to_owned())
}

/// A host key's fingerprint as OpenSSH shows it.
pub(crate) fn fingerprint(text: &str) -> Result<String, String> {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    match text.strip_prefix("SHA256:") {
        Some(hash) if hash.len() == 43 && hash.chars().all(base64) => Ok(text.to_owned()),
        _ => Err(
            "write it as `ssh-keygen -l` shows it: `SHA256:` and 43 letters, digits, `+` or `/`".to_owned(),
        ),
    }
}

/// An absolute path on another machine.
pub(crate) fn folder_there(text: &str) -> Result<String, String> {
    if !text.starts_with('/') || text.chars().any(char::is_control) {
        return Err("write it as an absolute path: `/data/outhaul`".to_owned());
    }
    Ok(text.to_owned())
}

/// Who logs in somewhere.
pub(crate) fn username(text: &str) -> Result<String, String> {
    let wrong = |c: char| c.is_whitespace() || c.is_control();
    if text.is_empty() || text.starts_with('-') || text.chars().any(wrong) {
        return Err("a name of a user has no blanks and does not begin with `-`".to_owned());
    }
    Ok(text.to_owned())
}

/// The name or address of a host, without user and port.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let server = outhaul_ssh::parse_jump(text).map_err(|error| error.message)?;
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if server.host != bare {
        return Err(
            "give the host alone; `--username` says who logs in and `--port` is for the port".to_owned(),
        );
    }
    Ok(server.host)
}

/// A server to go through: `[user@]host[:port]`.
pub(crate) fn jump(text: &str) -> Result<outhaul_ssh::Jump, String> {
    outhaul_ssh::parse_jump(text).map_err(|error| match error.hint {
        Some(hint) => format!("{}: {hint}", error.message),
        None => error.message,
    })
}

/// An address of the address book: `host` or `host:port`.
pub(crate) fn resource_address(text: &str) -> Result<String, String> {
    match outhaul_ssh::parse_jump(text) {
        Ok(server) if server.username.is_none() && !text.contains("://") => Ok(text.to_owned()),
        _ => Err("write it as `host`, `host:port` or `[IPv6 address]:port`".to_owned()),
    }
}

/// An Azure resource id.
pub(crate) fn resource_id(text: &str) -> Result<String, String> {
    if !text.starts_with('/') || text.chars().any(char::is_control) {
        return Err(
            "write it as Azure shows it: `/subscriptions/.../providers/Microsoft.Compute/virtualMachines/NAME`"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub key: String,
    pub value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("", _)) => Err("the name before `=` is missing".to_owned()),
            Some((key, value)) => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            None => Err("write it as `NAME=VALUE`".to_owned()),
        }
    }
}

/// `NAME=VALUE`, or `NAME` for the value that the variable has in this shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub name: String,
    pub value: Option<String>,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if !is_variable_name(name) {
            return Err(format!(
                "`{name}` cannot be a variable's name: use letters, digits and `_`, not beginning with a digit"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

/// `NAME` or `NAME:VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedVersion {
    pub name: String,
    pub version: Option<u32>,
}

impl FromStr for NamedVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = match text.rsplit_once(':') {
            Some((name, version)) => {
                let number = version.parse().ok().filter(|number| *number > 0);
                let wrong = || format!("`{version}` is not a version: versions are counted from 1");
                (name, Some(number.ok_or_else(wrong)?))
            }
            None => (text, None),
        };
        check_name("environment", name).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments() {
        let ok = |text: &str| text.parse::<Assignment>().map(|a| (a.key, a.value)).ok();
        assert_eq!(ok("a=b=c"), Some(("a".into(), "b=c".into())));
        assert_eq!(ok("a="), Some(("a".into(), String::new())));
        assert_eq!((ok("a"), ok("=a")), (None, None));
    }

    #[test]
    fn variables() {
        let ok = |text: &str| text.parse::<Variable>().map(|v| (v.name, v.value)).ok();
        assert_eq!(ok("A=1"), Some(("A".into(), Some("1".into()))));
        assert_eq!(ok("A"), Some(("A".into(), None)));
        assert_eq!((ok("1A=1"), ok("A-B"), ok("")), (None, None, None));
    }

    #[test]
    fn fingerprints() {
        let hash = "abcdefghijABCDEFGHIJ0123456789+/abcdefghijk";
        assert_eq!(hash.len(), 43);
        assert!(fingerprint(&format!("SHA256:{hash}")).is_ok());
        for bad in [
            String::new(),
            hash.to_owned(),
            format!("sha256:{hash}"),
            format!("SHA256:{hash}="),
            format!("SHA256:{}", &hash[1..]),
            format!("SHA256:{hash}a"),
            format!("SHA256:{}-", &hash[1..]),
            format!("SHA256:{}ä", &hash[2..]),
            format!("SHA256: {}", &hash[1..]),
            "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48".to_owned(),
        ] {
            assert!(fingerprint(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_and_addresses() {
        for (text, read) in [
            ("box", "box"),
            ("10.0.0.4", "10.0.0.4"),
            ("::1", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(read), "{text}");
        }
        for bad in ["", "me@box", "box:22", "-box", "a b", "ssh://box", "[::1]:22"] {
            assert!(host(bad).is_err(), "{bad}");
        }
        for good in ["box", "box:2222", "[::1]:22", "10.0.0.4"] {
            assert!(resource_address(good).is_ok(), "{good}");
        }
        for bad in ["", "me@box", "box:x", "ssh://box"] {
            assert!(resource_address(bad).is_err(), "{bad}");
        }
        assert!(resource_id("/subscriptions/s").is_ok() && resource_id("vm").is_err());
        assert!(
            folder_there("/data").is_ok() && folder_there("data").is_err() && folder_there("~/x").is_err()
        );
        assert!(username("me").is_ok() && username("-me").is_err() && username("a b").is_err());
    }

    #[test]
    fn versions() {
        let ok = |text: &str| text.parse::<NamedVersion>().map(|n| (n.name, n.version)).ok();
        assert_eq!(ok("sk"), Some(("sk".into(), None)));
        assert_eq!(ok("sk:3"), Some(("sk".into(), Some(3))));
        for bad in ["sk:", "sk:0", "sk:x", ":1", "a b", "a/b"] {
            assert_eq!(ok(bad), None, "{bad}");
        }
    }
}
