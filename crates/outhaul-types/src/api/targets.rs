//! Compute targets, their credentials and host keys, and the address book.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::check::Check;
use crate::target::{AttachError, HostKey, SshAuthentication, SshEndpoint, TargetConfig};

/// A compute target (`GET /targets`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its provisioning state, as Azure ML users know it.
    pub provisioning_state: String,
    /// Where it is, for targets that are somewhere else: `user@address:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The Azure resource id that it was attached by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// How many runs it takes at once.
    pub slots: u32,
    /// How many run now.
    pub running: u32,
    /// How many wait for a slot.
    pub queued: u32,
    /// Facts about it, by name.
    pub facts: BTreeMap<String, String>,
    /// Why it is not attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AttachError>,
    /// The checks of the last attach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What else is worth knowing of the last attach, such as what became of the runs of a target that it replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A handed-over credential (`POST /credentials`): a ticket that attaching a target redeems once, within ten minutes.
/// The request's body is an object of names and texts; it is kept in memory only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// The ticket.
    pub ticket: String,
}

/// A question for a host's key (`POST /targets/host-key`); nothing is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanHostKey {
    /// The host.
    pub endpoint: SshEndpoint,
    /// Hosts to go through, with their pinned keys.
    #[serde(default)]
    pub jumps: Vec<SshEndpoint>,
    /// How the jumps are logged in to.
    pub authentication: SshAuthentication,
    /// The credential's ticket, which this does not redeem.
    #[serde(default)]
    pub ticket: Option<String>,
    /// The text of the person's `known_hosts` files.
    #[serde(default)]
    pub known_hosts: String,
}

/// What the person's `known_hosts` say about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostKeyVerdict {
    /// The host is there with this key, or with an authority that signed it.
    Known,
    /// The host is not there.
    Unknown,
    /// The host is there with another key.
    Changed,
    /// The key is revoked.
    Revoked,
}

/// A host's key (`POST /targets/host-key`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScannedHostKey {
    /// The key that it shows.
    pub host_key: HostKey,
    /// What the `known_hosts` say.
    pub verdict: HostKeyVerdict,
    /// The fingerprint that was expected, for a changed key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// A target to be attached (`POST /targets`); answered at once, while it is still `Creating`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachTarget {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub config: TargetConfig,
    /// The credential's ticket.
    #[serde(default)]
    pub ticket: Option<String>,
    /// Take the place of the target that has the name or the machine.
    #[serde(default)]
    pub replace: bool,
}

/// How a target shall be detached (`DELETE /targets/{target}`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DetachTarget {
    /// Forget it without cleaning up: its machine is gone.
    #[serde(default)]
    pub forget: bool,
}

/// What detaching a target did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Detached {
    /// Its name.
    pub name: String,
    /// What was removed from it, in words.
    pub removed: Vec<String>,
    /// What was left on it, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// Which entry of the address book (`DELETE /resources`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfResource {
    /// The resource id.
    pub resource_id: String,
}

/// The result of checking a target (`POST /targets/{target}/check`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetChecks {
    /// The target's name.
    pub target: String,
    /// Its checks.
    pub checks: Vec<Check>,
}
