//! Outhaul's own `environment.toml`.

use super::node::unknown_key;
use super::requirements::check_option;
use super::{Source, docker, spark, toml_text};
use crate::error::SpecError;
use crate::version::Specifier;
use outhaul_types::{EnvironmentSpec, Interpreter};

const KEYS: &[&str] = &[
    "name",
    "python",
    "python-path",
    "pip",
    "index-options",
    "conda",
    "channels",
    "variables",
    "docker",
    "spark",
];

pub(super) fn read(source: &Source<'_>) -> Result<EnvironmentSpec, SpecError> {
    let root = toml_text::read(source)?;
    let mut spec = EnvironmentSpec::default();
    let mut version_at = None;
    let mut path_at = None;
    let mut packages_at = None;
    for entry in root.entries(source, "the file")? {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            "name" => spec.name = Some(value.string(source, key)?.to_owned()),
            "python" => {
                let text = value.string(source, key)?.trim();
                Specifier::parse(text).map_err(|message| source.error(value.at, message))?;
                spec.interpreter = Interpreter::Managed {
                    version: Some(text.to_owned()),
                };
                version_at = Some(entry.key_at);
            }
            "python-path" => {
                let python = value.string(source, key)?.trim();
                if !python.starts_with('/') {
                    return Err(source
                        .error(
                            value.at,
                            format!("`python-path` must be an absolute path, found `{python}`"),
                        )
                        .with_hint("write the whole path of the interpreter, from `/` on"));
                }
                path_at = Some((entry.key_at, python.to_owned()));
            }
            "pip" => {
                for (at, line) in value.strings(source, key)? {
                    source.requirement(at, &line)?;
                    spec.pip.push(line);
                    packages_at = packages_at.or(Some(entry.key_at));
                }
            }
            "index-options" => {
                for (at, line) in value.strings(source, key)? {
                    spec.index_options.push(check_option(source, at, &line)?);
                }
            }
            "conda" => {
                for (at, line) in value.strings(source, key)? {
                    if line.is_empty() {
                        return Err(source.error(at, "an empty package name"));
                    }
                    spec.conda.push(line);
                    packages_at = packages_at.or(Some(entry.key_at));
                }
            }
            "channels" => spec.channels = value.strings(source, key)?.into_iter().map(|(_, c)| c).collect(),
            "variables" => spec.variables = value.variables(source, key)?,
            "docker" => spec.docker = Some(Box::new(docker::read(source, entry)?)),
            "spark" => spec.spark = Some(Box::new(spark::read(source, entry)?)),
            _ => return Err(unknown_key(source, entry, KEYS)),
        }
    }
    if let Some((at, python)) = path_at {
        if version_at.is_some() {
            return Err(source.error(at, "`python` and `python-path` exclude each other").with_hint(
                "keep `python` for an environment that outhaul builds, `python-path` for one that you look after",
            ));
        }
        if let Some(packages_at) = packages_at {
            return Err(source
                .error(
                    packages_at,
                    "packages cannot be added to an interpreter that you look after",
                )
                .with_hint(
                    "remove `python-path`, or install the packages there yourself and remove them here",
                ));
        }
        spec.interpreter = Interpreter::UserManaged { python };
    }
    Ok(spec)
}
