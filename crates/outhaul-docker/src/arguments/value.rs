//! The value of one option. Pure.

use outhaul_types::size::parse_size;

use super::cpus::parse_cpus;
use super::{Extra, Known, Problem};

/// Which graphics processors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gpus {
    /// All of them.
    All,
    /// As many.
    Count(u32),
    /// These, by number or id.
    Devices(Vec<String>),
}

/// A limit of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ulimit {
    /// What is limited, such as `nofile`.
    pub name: String,
    /// The limit that the process starts with; -1 is none.
    pub soft: i64,
    /// How far the process may raise it; -1 is without end.
    pub hard: i64,
}

/// A device of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceMap {
    /// Path on the host.
    pub host: String,
    /// Path in the container.
    pub container: String,
    /// Rights: some of `r`, `w` and `m`.
    pub rights: String,
}

/// Sets what an option asks for.
pub(super) fn set(extra: &mut Extra, option: Known, name: &str, value: &str) -> Result<(), Problem> {
    let shown = format!("{name} {value}");
    let bad = |message: &str, hint: &str| Problem::new(shown.clone(), message, hint);
    if value.is_empty() {
        return Err(bad("has an empty value", "give a value, or leave the option out"));
    }
    let size = || {
        parse_size(value).ok_or_else(|| {
            bad(
                "is not a size",
                "write a number with a unit, such as `512m` or `2g`",
            )
        })
    };
    match option {
        Known::Volume => extra
            .volumes
            .push(volume(value).map_err(|(message, hint)| bad(message, hint))?),
        Known::Network => {
            if value.starts_with("container:") {
                return Err(bad(
                    "joins the network of another container",
                    "name a network, `host` or `none`",
                ));
            }
            extra.network = Some(value.to_owned());
        }
        // The engine refuses less, and takes 0 as no limit, which nobody means.
        Known::Memory => match size()? {
            0..0x60_0000 => return Err(bad("is too little memory", "give 6m or more")),
            bytes => extra.memory = Some(bytes),
        },
        Known::ShmSize => extra.shm_size = Some(size()?),
        Known::Cpus => {
            extra.nano_cpus = Some(parse_cpus(value).ok_or_else(|| {
                bad(
                    "is not a number of processors",
                    "write a number above 0, such as `1.5`",
                )
            })?);
        }
        Known::Env => {
            let (name, value) = value.split_once('=').ok_or_else(|| {
                bad(
                    "has no value",
                    "write `--env NAME=VALUE`: nothing is taken over from the server's own variables",
                )
            })?;
            extra.environment.push((name.to_owned(), value.to_owned()));
        }
        Known::Ipc => {
            if !matches!(value, "host" | "private" | "shareable" | "none") {
                return Err(bad(
                    "is not known",
                    "use `host`, `private`, `shareable` or `none`",
                ));
            }
            extra.ipc = Some(value.to_owned());
        }
        Known::CapAdd => extra.cap_add.push(value.to_owned()),
        Known::Gpus => {
            extra.gpus =
                Some(gpus(value).ok_or_else(|| bad("is not known", "use `all`, a number, or `device=0,1`"))?);
        }
        Known::Ulimit => extra.ulimits.push(
            ulimit(value).ok_or_else(|| bad("is not a limit", "write `NAME=SOFT` or `NAME=SOFT:HARD`"))?,
        ),
        Known::Device => extra.devices.push(
            device(value).ok_or_else(|| bad("is not a device", "write `/dev/x` or `/dev/x:/dev/y:rwm`"))?,
        ),
        Known::Hostname => extra.hostname = Some(value.to_owned()),
        Known::AddHost => {
            let host = value
                .split_once(':')
                .filter(|(name, ip)| !name.is_empty() && !ip.is_empty());
            if host.is_none() {
                return Err(bad("is not a host", "write `NAME:ADDRESS`"));
            }
            extra.add_hosts.push(value.to_owned());
        }
    }
    Ok(())
}

fn volume(value: &str) -> Result<String, (&'static str, &'static str)> {
    let mut parts = value.split(':');
    let (Some(source), Some(target), rights, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(("is not a volume", "write `SOURCE:TARGET` or `SOURCE:TARGET:ro`"));
    };
    if !target.starts_with('/')
        || target.trim_matches('/').is_empty()
        || target.split('/').any(|part| part == "..")
    {
        return Err(("has a target that is no absolute path", "write `SOURCE:/TARGET`"));
    }
    if !source.starts_with('/')
        && (source.contains('/') || source.starts_with(['.', '~']) || source.is_empty())
    {
        return Err((
            "has a source that is neither an absolute path nor a volume's name",
            "write the whole path as it is on the engine's host",
        ));
    }
    let rights = rights.unwrap_or("rw");
    if !rights.split(',').all(|right| {
        matches!(
            right,
            "ro" | "rw"
                | "z"
                | "Z"
                | "rslave"
                | "rprivate"
                | "rshared"
                | "slave"
                | "private"
                | "shared"
                | "cached"
                | "delegated"
                | "consistent"
                | "nocopy"
        )
    }) {
        return Err(("has rights that are not known", "use `ro` or `rw`"));
    }
    Ok(value.to_owned())
}

fn gpus(value: &str) -> Option<Gpus> {
    if value == "all" {
        return Some(Gpus::All);
    }
    // The docker command wants quotes around a list with commas; people copy them.
    if let Some(devices) = value.trim_matches('"').strip_prefix("device=") {
        let devices: Vec<String> = devices.split(',').map(str::to_owned).collect();
        return (!devices.iter().any(String::is_empty)).then_some(Gpus::Devices(devices));
    }
    value.parse().ok().filter(|count| *count > 0).map(Gpus::Count)
}

fn ulimit(value: &str) -> Option<Ulimit> {
    let (name, limits) = value.split_once('=')?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let limit = |text: &str| match text {
        "unlimited" => Some(-1),
        number => number.parse().ok().filter(|number: &i64| *number >= -1),
    };
    let (soft, hard) = (limit(soft)?, limit(hard)?);
    let known = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    let ordered = hard == -1 || (soft != -1 && soft <= hard);
    (known && ordered).then(|| Ulimit {
        name: name.to_owned(),
        soft,
        hard,
    })
}

fn device(value: &str) -> Option<DeviceMap> {
    let is_rights = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, 'r' | 'w' | 'm'));
    let parts: Vec<&str> = value.split(':').collect();
    let (host, container, rights) = match parts[..] {
        [host] => (host, host, "rwm"),
        [host, rights] if is_rights(rights) => (host, host, rights),
        [host, container] => (host, container, "rwm"),
        [host, container, rights] if is_rights(rights) => (host, container, rights),
        _ => return None,
    };
    (host.starts_with('/') && container.starts_with('/')).then(|| DeviceMap {
        host: host.to_owned(),
        container: container.to_owned(),
        rights: rights.to_owned(),
    })
}
