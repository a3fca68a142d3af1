//! Spark as data: how a cluster is attached, what was found on it, and what a run asks of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::target::RemoteConfig;

/// Where the driver of a Spark application runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeployMode {
    /// On the host that submits.
    Client,
    /// On a machine that the cluster chooses. Only YARN can do this with Python.
    Cluster,
}

impl DeployMode {
    /// Its word, as `spark-submit` has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Cluster => "cluster",
        }
    }
}

/// An HDInsight cluster, or any Spark that is submitted to from a host over SSH.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HdinsightConfig {
    /// The host that submits: the cluster's head node.
    pub host: RemoteConfig,
    /// The cluster's name, when it was attached by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Master URL; what the host is configured for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// Where drivers run; on YARN in the cluster, elsewhere on the host, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy_mode: Option<DeployMode>,
    /// The folder of Spark on the host; looked for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spark_home: Option<String>,
}

/// What was found of Spark on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SparkFacts {
    /// Path of `spark-submit`.
    pub submit: String,
    /// Version of Spark, such as `3.5.1`.
    pub version: String,
    /// Version of Java, such as `17.0.15`.
    pub java: String,
    /// The master that runs go to.
    pub master: String,
}

/// What a run asks of Spark. A run that has this is started by `spark-submit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SparkSpec {
    /// Configuration: names such as `spark.executor.memory` and their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configuration: BTreeMap<String, String>,
    /// Packages as `group:artifact:version`, fetched with what they need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// Repositories for packages, besides Maven Central.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// Where the driver runs; as the target has it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy_mode: Option<DeployMode>,
}

impl SparkSpec {
    /// This, with what another one asks for on top: its configuration wins, its packages and repositories are added.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        let add = |list: &mut Vec<String>, more: Vec<String>| {
            for item in more {
                if !list.contains(&item) {
                    list.push(item);
                }
            }
        };
        self.configuration.extend(other.configuration);
        add(&mut self.packages, other.packages);
        add(&mut self.repositories, other.repositories);
        self.deploy_mode = other.deploy_mode.or(self.deploy_mode);
        self
    }
}

/// Whether a text has the form of a Spark package: `group:artifact:version`, each of letters, digits, `.`, `-` and `_`.
#[must_use]
pub fn is_package(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 3 && parts.into_iter().all(part)
}

/// Whether a text can be the name of a Spark property. `spark-submit` passes over all that do not begin with `spark.`.
#[must_use]
pub fn is_property(text: &str) -> bool {
    text.strip_prefix("spark.").is_some_and(|rest| !rest.is_empty())
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '=')
}

/// The address under which an HDInsight cluster of this name takes SSH logins
/// (learn.microsoft.com, "Connect to HDInsight using SSH").
#[must_use]
pub fn hdinsight_address(cluster: &str) -> String {
    format!("{cluster}-ssh.azurehdinsight.net")
}

/// The cluster that a resource id names:
/// `/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.HDInsight/clusters/NAME`, in any case.
#[must_use]
pub fn cluster_of(resource_id: &str) -> Option<&str> {
    let parts: Vec<&str> = resource_id.split('/').collect();
    match parts.as_slice() {
        ["", subscriptions, _, _, _, _, provider, clusters, name]
            if subscriptions.eq_ignore_ascii_case("subscriptions")
                && provider.eq_ignore_ascii_case("Microsoft.HDInsight")
                && clusters.eq_ignore_ascii_case("clusters")
                && !name.is_empty() =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// Whether a text can be the name of an HDInsight cluster: 3 to 59 letters, digits and hyphens, a letter or digit at both
/// ends (learn.microsoft.com, "Naming rules and restrictions for Azure resources").
#[must_use]
pub fn is_cluster_name(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    (3..=59).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && ends(text.chars().next())
        && ends(text.chars().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_three_parts() {
        for (text, good) in [
            ("org.apache.spark:spark-avro_2.12:3.5.1", true),
            ("a:b", false),
            ("a:b:c:d", false),
            ("a::c", false),
            ("a:b: c", false),
            ("", false),
        ] {
            assert_eq!(is_package(text), good, "{text}");
        }
    }

    #[test]
    fn clusters_are_named_by_resource_ids() {
        for (id, name) in [
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.HDInsight/clusters/hdi",
                Some("hdi"),
            ),
            (
                "/SUBSCRIPTIONS/s/resourcegroups/g/providers/microsoft.hdinsight/Clusters/hdi",
                Some("hdi"),
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
                None,
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.HDInsight/clusters/",
                None,
            ),
            ("hdi", None),
        ] {
            assert_eq!(cluster_of(id), name, "{id}");
        }
        for (name, good) in [
            ("my-hdi", true),
            ("hd", false),
            ("-hdi", false),
            ("hdi-", false),
            ("a.b.c", false),
        ] {
            assert_eq!(is_cluster_name(name), good, "{name}");
        }
        assert_eq!(hdinsight_address("hdi"), "hdi-ssh.azurehdinsight.net");
    }

    #[test]
    fn properties_begin_with_spark() {
        for (text, good) in [
            ("spark.executor.memory", true),
            ("spark.hadoop.fs.defaultFS", true),
            ("executor.memory", false),
            ("spark.", false),
            ("spark.a b", false),
            ("spark.a=b", false),
        ] {
            assert_eq!(is_property(text), good, "{text}");
        }
    }

    #[test]
    fn a_run_wins_over_its_environment() {
        let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let environment = SparkSpec {
            configuration: one("spark.a", "1"),
            packages: vec!["g:a:1".into()],
            ..SparkSpec::default()
        };
        let run = SparkSpec {
            configuration: one("spark.a", "2"),
            packages: vec!["g:a:1".into(), "g:b:1".into()],
            deploy_mode: Some(DeployMode::Client),
            ..SparkSpec::default()
        };
        let both = environment.with(run);
        assert_eq!(both.configuration, one("spark.a", "2"));
        assert_eq!(both.packages, ["g:a:1", "g:b:1"]);
        assert_eq!(both.deploy_mode, Some(DeployMode::Client));
    }
}
