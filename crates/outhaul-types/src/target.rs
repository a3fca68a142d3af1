//! Compute targets as data: how one is attached, what it is known by, and what was found on it. No secrets: those are
//! kept apart, encrypted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::check::Check;
use crate::spark::{HdinsightConfig, SparkFacts};

/// How far attaching or detaching a target is, in the words of Azure ML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ProvisioningState {
    /// It is being checked and set up.
    Creating,
    /// It takes runs.
    Succeeded,
    /// It could not be attached; the target's error names the check that failed.
    Failed,
    /// It is being detached.
    Deleting,
}

impl ProvisioningState {
    /// The state's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
        }
    }
}

/// Where packages for a target's environments are downloaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackageSource {
    /// On the target if it reaches the package index, else as with `ship`.
    #[default]
    Auto,
    /// On the target.
    Target,
    /// On the machine of the server, which ships them to the target.
    Ship,
}

/// How a person's identity is proved to an SSH server. The secrets themselves are kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SshAuthentication {
    /// By a password; also where the server asks for it by keyboard-interactive. Secret `password`.
    Password,
    /// By a private key. Secrets `private_key` (its text) and, where it has one, `passphrase`.
    PrivateKey {
        /// The text of an OpenSSH certificate for the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<String>,
    },
    /// By the keys of an agent.
    Agent {
        /// Path of the agent's socket on the server's machine.
        socket: String,
    },
}

/// A host's pinned key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostKey {
    /// Its fingerprint as OpenSSH shows it: `SHA256:` and 43 characters.
    pub fingerprint: String,
    /// Its algorithm, such as `ssh-ed25519`; empty when only the fingerprint was given.
    #[serde(default)]
    pub algorithm: String,
    /// The authority's fingerprint, for a host that shows a certificate: any host key that this authority has signed for
    /// the address is accepted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// An SSH server: where it is and who logs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SshEndpoint {
    /// Name or address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Who logs in.
    pub username: String,
    /// The pinned host key; absent only while the target is being attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<HostKey>,
}

/// A machine that is reached over SSH.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// The machine.
    pub endpoint: SshEndpoint,
    /// How the person's identity is proved, to the machine and to its jump hosts.
    pub authentication: SshAuthentication,
    /// Hosts to go through, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jumps: Vec<SshEndpoint>,
    /// The machine's Azure resource id, when it was attached by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// The folder on the machine under which everything of ours lies; `.outhaul` in the home folder when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Where packages are downloaded.
    #[serde(default)]
    pub packages: PackageSource,
    /// How many runs at once; as many as the machine has CPUs when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
}

/// The server's own machine as the host of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalHost {
    /// The folder under which everything of the target lies; in the data folder when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How many runs at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
}

/// A Slurm cluster, reached through one of its login hosts: exactly one of `host` and `local` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlurmConfig {
    /// The login host, over SSH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<RemoteConfig>,
    /// The server's own machine is the login host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalHost>,
    /// Partition of runs that name none; the cluster's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Account; the user's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Quality of service; the account's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<String>,
}

/// How a target was attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TargetConfig {
    /// A machine that is reached over SSH.
    Remote(RemoteConfig),
    /// A Slurm cluster.
    Slurm(SlurmConfig),
    /// An HDInsight or other Spark cluster.
    Hdinsight(HdinsightConfig),
}

impl TargetConfig {
    /// The machine that is reached over SSH; `None` where the server's own machine is the host.
    #[must_use]
    pub const fn host(&self) -> Option<&RemoteConfig> {
        match self {
            Self::Remote(host) => Some(host),
            Self::Slurm(slurm) => slurm.host.as_ref(),
            Self::Hdinsight(cluster) => Some(&cluster.host),
        }
    }

    /// The same, to be changed.
    pub const fn host_mut(&mut self) -> Option<&mut RemoteConfig> {
        match self {
            Self::Remote(host) => Some(host),
            Self::Slurm(slurm) => slurm.host.as_mut(),
            Self::Hdinsight(cluster) => Some(&mut cluster.host),
        }
    }

    /// The server's own machine, where it is the host.
    #[must_use]
    pub const fn local(&self) -> Option<&LocalHost> {
        match self {
            Self::Remote(_) | Self::Hdinsight(_) => None,
            Self::Slurm(slurm) => slurm.local.as_ref(),
        }
    }

    /// How many runs at once, where that was said.
    #[must_use]
    pub fn slots(&self) -> Option<u32> {
        match (self.host(), self.local()) {
            (Some(host), _) => host.slots,
            (None, local) => local.and_then(|local| local.slots),
        }
    }

    /// The kind's name, as drivers and the command line have it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Remote(_) => "remote",
            Self::Slurm(_) => "slurm",
            Self::Hdinsight(_) => "hdinsight",
        }
    }
}

/// What a machine is recognised by, whatever name or address it is attached under.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostIdentity {
    /// The id that the installed system has (`/etc/machine-id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// Fingerprint of the host key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
    /// The volume that holds the root folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_volume: Option<String>,
}

impl HostIdentity {
    /// Whether two machines are one, by two of the three facts, or by the host key alone where one of them tells no
    /// more. A copied disk image keeps a machine id and a volume, and often the host key: it is then one to us, and the
    /// message says by what.
    #[must_use]
    pub fn same(&self, other: &Self) -> Option<&'static str> {
        let equal = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let machine = equal(&self.machine_id, &other.machine_id);
        let key = equal(&self.host_key, &other.host_key);
        let volume = equal(&self.boot_volume, &other.boot_volume);
        let differs = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
        let other_machine = differs(&self.machine_id, &other.machine_id);
        match (machine, key, volume) {
            (true, true, _) => Some("machine id and host key"),
            (true, _, true) => Some("machine id and boot volume"),
            // Containers share a disk, and images share a key: another machine id tells them apart.
            (false, true, _) if !other_machine => Some("host key"),
            _ => None,
        }
    }
}

/// A Python interpreter on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PythonFact {
    /// Path.
    pub path: String,
    /// Version, such as `3.11.7`.
    pub version: String,
}

/// What was found on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostFacts {
    /// The system, such as `Ubuntu 24.04.1 LTS`.
    pub os: String,
    /// The kernel's name and release, such as `Linux 6.8.0`.
    pub kernel: String,
    /// Architecture, such as `x86_64`.
    pub architecture: String,
    /// CPUs that a process may use.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Free bytes where our folder lies.
    pub disk_free_bytes: u64,
    /// Graphics processors, as `nvidia-smi` names them.
    #[serde(default)]
    pub gpus: Vec<String>,
    /// Python interpreters on the `PATH`.
    #[serde(default)]
    pub pythons: Vec<PythonFact>,
    /// Version of Docker, where there is one that we may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker: Option<String>,
    /// The socket of its engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_socket: Option<String>,
    /// Whether the engine is the user's own: root in its containers is then the user.
    #[serde(default)]
    pub docker_rootless: bool,
    /// Why Docker cannot be used, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_problem: Option<String>,
    /// Path of `uv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uv: Option<String>,
    /// Path of `conda`, `mamba` or `micromamba`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conda: Option<String>,
    /// What there is of Spark, on a target that is a Spark cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark: Option<SparkFacts>,
    /// Whether the package index can be reached; `None` when nothing there could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_reachable: Option<bool>,
    /// How far the machine's clock is ahead of ours, in milliseconds.
    #[serde(default)]
    pub clock_offset_ms: i64,
    /// Ids of the user and of its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<(u32, u32)>,
    /// The login shell.
    #[serde(default)]
    pub shell: String,
    /// The home folder.
    #[serde(default)]
    pub home: String,
    /// The folder that holds everything of ours.
    #[serde(default)]
    pub folder: String,
}

/// Why a target could not be attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttachError {
    /// The check that failed, such as `host-key` or `login`.
    pub check: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// An attached target, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComputeTarget {
    /// Its name.
    pub name: String,
    /// Made anew at each attach, so that an old attachment is never taken for a new one of the same name.
    pub id: String,
    /// How it was attached.
    pub config: TargetConfig,
    /// How far it is.
    pub state: ProvisioningState,
    /// Why it is not attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AttachError>,
    /// The checks of the last attach or check.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// What was found on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<HostFacts>,
    /// What it is recognised by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<HostIdentity>,
    /// Names of targets whose place it took; their runs are followed under this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Whether it may take the place of a target that has its name or its machine.
    #[serde(default)]
    pub replace: bool,
    /// What else is worth knowing of the last attach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When it was attached.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl ComputeTarget {
    /// Where it is: `user@address:port`, or that it is the server's own machine.
    #[must_use]
    pub fn address(&self) -> String {
        match self.config.host() {
            Some(host) => host.endpoint.to_string(),
            None => "this machine".to_owned(),
        }
    }

    /// How many runs at once.
    #[must_use]
    pub fn slots(&self) -> u32 {
        let found = self.facts.as_ref().map_or(1, |facts| facts.cpus);
        self.config.slots().unwrap_or(found).max(1)
    }
}

impl std::fmt::Display for SshEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = if self.address.contains(':') {
            format!("[{}]", self.address)
        } else {
            self.address.clone()
        };
        match self.port {
            22 => write!(f, "{}@{address}", self.username),
            port => write!(f, "{}@{address}:{port}", self.username),
        }
    }
}

/// An entry of the address book: the address under which an Azure resource is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceAddress {
    /// The resource id, in the case in which it was given; compared without regard to case.
    pub resource_id: String,
    /// Name or address, with `:port` if it is not 22.
    pub address: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(machine: &str, key: &str, volume: &str) -> HostIdentity {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        HostIdentity {
            machine_id: some(machine),
            host_key: some(key),
            boot_volume: some(volume),
        }
    }

    #[test]
    fn machines_are_recognised_by_what_does_not_change_with_the_address() {
        for (one, other, same) in [
            (identity("m", "k", "v"), identity("m", "k", "v"), true),
            (identity("m", "k", "v"), identity("m", "k2", "v"), true),
            (identity("m", "k", "v"), identity("m", "k", "v2"), true),
            (identity("", "k", ""), identity("m", "k", "v"), true),
            (identity("m", "k", "v"), identity("m2", "k", "v"), false),
            (identity("m", "k", "v"), identity("m", "k2", "v2"), false),
            (identity("m", "k", "v"), identity("m2", "k2", "v"), false),
            (identity("", "", ""), identity("", "", ""), false),
        ] {
            assert_eq!(one.same(&other).is_some(), same, "{one:?} {other:?}");
            assert_eq!(other.same(&one).is_some(), same, "{other:?} {one:?}");
        }
    }
}
