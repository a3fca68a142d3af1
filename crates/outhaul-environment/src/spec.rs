//! The environment spec: what a person asks for, and the id of the part of it that decides what gets built.

use outhaul_types::{EnvironmentSpec, Interpreter};
use serde::Serialize;

use crate::requirement::canonical_line;

/// Part of every spec id; raise it when the same spec must be resolved anew.
const SPEC_FORM: u32 = 1;

#[derive(Serialize)]
struct Canonical<'a> {
    form: u32,
    interpreter: &'a Interpreter,
    pip: Vec<String>,
    index_options: &'a [String],
    conda: Vec<String>,
    channels: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dockerfile: Option<&'a str>,
}

/// The id of what the spec asks to be built: 64 hex digits of BLAKE3. The name and the variables play no part, nor
/// does the order or spacing of packages; the order of indexes and channels does, as it decides who wins. Of a container only the image counts: how it is started
/// changes no build.
#[must_use]
pub fn spec_id(spec: &EnvironmentSpec) -> String {
    let sorted = |lines: &[String]| {
        let mut lines: Vec<String> = lines.iter().map(|line| canonical_line(line)).collect();
        lines.sort();
        lines.dedup();
        lines
    };
    let canonical = Canonical {
        form: SPEC_FORM,
        interpreter: &spec.interpreter,
        pip: sorted(&spec.pip),
        index_options: &spec.index_options,
        conda: sorted(&spec.conda),
        channels: &spec.channels,
        image: spec.docker.as_ref().and_then(|docker| docker.image.as_deref()),
        dockerfile: spec
            .docker
            .as_ref()
            .and_then(|docker| docker.dockerfile.as_deref()),
    };
    // Only strings and lists of strings: writing them as JSON cannot fail, and an empty answer would still be a
    // valid (never matching) id.
    let bytes = serde_json::to_vec(&canonical).unwrap_or_default();
    blake3::hash(&bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(pip: &[&str]) -> EnvironmentSpec {
        EnvironmentSpec {
            pip: pip.iter().map(|&s| s.to_owned()).collect(),
            ..EnvironmentSpec::default()
        }
    }

    #[test]
    fn what_decides_the_id() {
        let base = spec_id(&spec(&["a==1", "b"]));
        assert_eq!(base.len(), 64);
        assert_eq!(base, spec_id(&spec(&["b", "a ==1"])));
        assert_eq!(base, spec_id(&spec(&["b", "a==1", "b"])));
        let mut named = spec(&["a==1", "b"]);
        named.name = Some("x".into());
        named.variables.insert("K".into(), "V".into());
        assert_eq!(base, spec_id(&named));

        let mut other = spec(&["a==1", "b"]);
        other.interpreter = Interpreter::Managed {
            version: Some("3.11".into()),
        };
        let mut indexed = spec(&["a==1", "b"]);
        indexed.index_options.push("--no-index".into());
        let mut conda = spec(&["a==1", "b"]);
        conda.conda.push("numpy".into());
        let contained = |image: Option<&str>, dockerfile: Option<&str>, gpus| EnvironmentSpec {
            docker: Some(Box::new(outhaul_types::DockerSpec {
                image: image.map(str::to_owned),
                dockerfile: dockerfile.map(str::to_owned),
                gpus,
                ..outhaul_types::DockerSpec::default()
            })),
            ..spec(&["a==1", "b"])
        };
        let in_image = spec_id(&contained(Some("x"), None, false));
        assert_eq!(in_image, spec_id(&contained(Some("x"), None, true)));
        let ids = [
            in_image,
            spec_id(&contained(Some("y"), None, false)),
            spec_id(&contained(None, Some("x"), false)),
            spec_id(&other),
            spec_id(&indexed),
            spec_id(&conda),
            spec_id(&spec(&["a==2", "b"])),
            base,
        ];
        for (i, a) in ids.iter().enumerate() {
            assert!(!ids[i + 1..].contains(a));
        }
    }
}
