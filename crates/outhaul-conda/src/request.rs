//! What a person asks the solver for. Data only.

use std::collections::BTreeMap;

/// Packages to be found, and for which machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CondaRequest {
    /// Specs as under conda's `dependencies:`, such as `numpy=1.26` or `conda-forge::scipy >=1.11`.
    ///
    /// A channel that only a spec names is searched after those in `channels`.
    pub specs: Vec<String>,
    /// Channels, the most important first: names, addresses, `file://` addresses and absolute folders.
    ///
    /// A package is taken from the first channel that has one of its name. `defaults` stands for Anaconda's own
    /// channels, `nodefaults` for nothing. Without any channel, conda-forge is searched.
    pub channels: Vec<String>,
    /// Platform of the target, in our words (`linux-x86_64`) or conda's (`linux-64`).
    pub platform: String,
    /// Version of the GNU C library on the target; 2.17, which all packages are built for, when it is not known.
    pub glibc: Option<String>,
    /// Version of CUDA that the driver on the target supports; none when absent.
    pub cuda: Option<String>,
    /// Where channels without an address are, instead of `https://conda.anaconda.org`.
    pub channel_alias: Option<String>,
    /// Addresses of single channels by name, such as a mirror of `conda-forge`. They win over `channel_alias`.
    pub mirrors: BTreeMap<String, String>,
}
