//! Master URLs (spark.apache.org, "Submitting Applications"). Pure.

use std::fmt;
use std::str::FromStr;

/// Where a Spark application runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Master {
    /// In one process on the host that submits; the text says how many threads.
    Local(String),
    /// A cluster that Spark itself manages: `host:port` of its masters, more than one where some stand by.
    Standalone(Vec<(String, u16)>),
    /// A Hadoop cluster; where its manager is stands in the host's configuration.
    Yarn,
}

/// Why a text is no master URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterError(String);

impl fmt::Display for MasterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MasterError {}

impl Master {
    /// Whether drivers in Python can run in the cluster.
    #[must_use]
    pub const fn takes_drivers(&self) -> bool {
        matches!(self, Self::Yarn)
    }
}

impl fmt::Display for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(threads) if threads.is_empty() => f.write_str("local"),
            Self::Local(threads) => write!(f, "local[{threads}]"),
            Self::Standalone(masters) => {
                let masters: Vec<String> = masters
                    .iter()
                    .map(|(host, port)| format!("{host}:{port}"))
                    .collect();
                write!(f, "spark://{}", masters.join(","))
            }
            Self::Yarn => f.write_str("yarn"),
        }
    }
}

impl FromStr for Master {
    type Err = MasterError;

    fn from_str(text: &str) -> Result<Self, MasterError> {
        let wrong = |why: &str| Err(MasterError(format!("master `{text}` {why}")));
        match text {
            "yarn" => return Ok(Self::Yarn),
            "local" => return Ok(Self::Local(String::new())),
            _ => {}
        }
        if let Some(threads) = text
            .strip_prefix("local[")
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let number = |part: &str| part == "*" || part.parse::<u32>().is_ok_and(|number| number > 0);
            let good = match threads.split_once(',') {
                Some((threads, failures)) => number(threads.trim()) && failures.trim().parse::<u32>().is_ok(),
                None => number(threads),
            };
            if good {
                return Ok(Self::Local(threads.to_owned()));
            }
            return wrong("needs a number of threads or `*` between the brackets");
        }
        if let Some(list) = text.strip_prefix("spark://") {
            let masters: Option<Vec<(String, u16)>> = list
                .split(',')
                .map(|master| {
                    let (host, port) = master.rsplit_once(':')?;
                    let port = port.parse().ok().filter(|port| *port > 0)?;
                    let good =
                        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
                    (!host.is_empty() && host.chars().all(good)).then(|| (host.to_owned(), port))
                })
                .collect();
            return match masters {
                Some(masters) => Ok(Self::Standalone(masters)),
                None => wrong("needs a host and a port: `spark://HOST:7077`"),
            };
        }
        if text.starts_with("k8s://") || text.starts_with("mesos://") {
            return wrong(
                "is of a kind that Outhaul does not start Spark on: use `yarn`, `spark://HOST:PORT` or `local[*]`",
            );
        }
        wrong("is no master URL: use `yarn`, `spark://HOST:PORT` or `local[*]`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_read_and_written() {
        for text in [
            "yarn",
            "local",
            "local[*]",
            "local[4]",
            "local[4,2]",
            "spark://h:7077",
            "spark://a:7077,b:7078",
        ] {
            assert_eq!(text.parse::<Master>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_master_is_told() {
        for (text, words) in [
            ("", "no master URL"),
            ("sprk://x", "no master URL"),
            ("yarn-client", "no master URL"),
            ("local[0]", "number of threads"),
            ("local[x]", "number of threads"),
            ("spark://h", "host and a port"),
            ("spark://:7077", "host and a port"),
            ("spark://h:0", "host and a port"),
            ("spark://h o:7077", "host and a port"),
            ("k8s://https://h", "does not start Spark on"),
        ] {
            let error = text.parse::<Master>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
