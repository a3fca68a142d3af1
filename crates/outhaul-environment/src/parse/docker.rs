//! The section `docker` of an environment file: the container that runs are started in.

use outhaul_types::DockerSpec;
use outhaul_types::size::parse_size;

use super::Source;
use super::node::{Entry, Node, Value, unknown_key};
use crate::error::SpecError;

const KEYS: &[&str] = &["image", "dockerfile", "shm-size", "gpus", "arguments"];

/// Reads the section. A Dockerfile is given as text or as a path, which the caller resolves.
pub(super) fn read(source: &Source<'_>, section: &Entry) -> Result<DockerSpec, SpecError> {
    let mut docker = DockerSpec::default();
    let mut dockerfile_at = None;
    for entry in section.value.entries(source, "docker")? {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            "image" => docker.image = Some(filled(source, value, key)?),
            "dockerfile" => {
                docker.dockerfile = Some(filled(source, value, key)?);
                dockerfile_at = Some(entry.key_at);
            }
            // People write it both ways, as they know it from other files.
            "shm-size" | "shm_size" => docker.shm_size = Some(size(source, value, key)?),
            "gpus" => docker.gpus = gpus(source, value)?,
            "arguments" => {
                docker.arguments = value
                    .strings(source, key)?
                    .into_iter()
                    .map(|(_, word)| word)
                    .collect();
            }
            _ => return Err(unknown_key(source, entry, KEYS)),
        }
    }
    match (&docker.image, dockerfile_at) {
        (Some(_), Some(at)) => Err(source
            .error(at, "`image` and `dockerfile` exclude each other")
            .with_hint("begin the Dockerfile with `FROM` that image, and leave `image` out")),
        (None, None) => Err(source
            .error(section.key_at, "`docker` names no image")
            .with_hint("add `image: NAME`, or `dockerfile:` with the text or path of a Dockerfile")),
        _ => Ok(docker),
    }
}

fn filled(source: &Source<'_>, value: &Node, key: &str) -> Result<String, SpecError> {
    let text = value.string(source, key)?;
    if text.trim().is_empty() {
        return Err(source.error(value.at, format!("`{key}` is empty")));
    }
    // A Dockerfile's line ends are part of it; a name has none.
    Ok(if text.contains('\n') { text } else { text.trim() }.to_owned())
}

fn size(source: &Source<'_>, value: &Node, key: &str) -> Result<u64, SpecError> {
    let text = value.text(source, key)?;
    parse_size(text.trim()).ok_or_else(|| {
        source
            .error(value.at, format!("`{text}` is not a size"))
            .with_hint("write a number with a unit, such as `512m` or `2g`")
    })
}

fn gpus(source: &Source<'_>, value: &Node) -> Result<bool, SpecError> {
    match &value.value {
        Value::Text(text) | Value::Plain(_, text) if text == "true" || text == "all" => Ok(true),
        Value::Text(text) | Value::Plain(_, text) if text == "false" => Ok(false),
        _ => Err(source
            .error(value.at, "`gpus` must be true or false")
            .with_hint("for some of them, add `--gpus`, `device=0` to `arguments`")),
    }
}

#[cfg(test)]
mod tests {
    use outhaul_types::{DockerSpec, EnvironmentSpec};

    use crate::parse::parse;

    fn docker(text: &str) -> Result<Option<DockerSpec>, String> {
        let boxed = |spec: EnvironmentSpec| spec.docker.map(|docker| *docker);
        parse("environment.yml", text)
            .map(boxed)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_section_is_read_from_both_kinds_of_file() {
        let expected = DockerSpec {
            image: Some("python:3.11-slim".into()),
            shm_size: Some(2 << 30),
            gpus: true,
            arguments: vec!["--network".into(), "host".into()],
            ..DockerSpec::default()
        };
        let yaml = "docker:\n  image: python:3.11-slim\n  shm-size: 2g\n  gpus: true\n  arguments: [--network, host]\n";
        assert_eq!(docker(yaml).unwrap(), Some(expected.clone()));
        let toml = "[docker]\nimage = \"python:3.11-slim\"\nshm-size = \"2g\"\ngpus = true\narguments = [\"--network\", \"host\"]\n";
        assert_eq!(
            parse("environment.toml", toml)
                .unwrap()
                .docker
                .map(|docker| *docker),
            Some(expected)
        );
        let built = docker("docker:\n  dockerfile: |\n    FROM x\n    RUN y\n")
            .unwrap()
            .unwrap();
        assert_eq!(built.dockerfile.as_deref(), Some("FROM x\nRUN y\n"));
        assert_eq!(docker("dependencies: [python=3.11]\n").unwrap(), None);
    }

    #[test]
    fn wrong_sections_are_refused_with_their_place() {
        for (text, words) in [
            ("docker: python:3.11\n", "`docker` must be a map"),
            ("docker:\n  gpus: true\n", "names no image"),
            (
                "docker:\n  image: a\n  dockerfile: FROM b\n",
                "exclude each other",
            ),
            ("docker:\n  image: ''\n", "`image` is empty"),
            ("docker:\n  image: a\n  shm-size: big\n", "`big` is not a size"),
            ("docker:\n  image: a\n  gpus: some\n", "true or false"),
            ("docker:\n  imagee: a\n", "imagee"),
        ] {
            let error = docker(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
