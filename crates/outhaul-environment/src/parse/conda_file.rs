//! conda's `environment.yml`.

use super::node::{Node, Value, unknown_key};
use super::requirements::check_option;
use super::{Source, docker, spark, yaml_text};
use crate::conda::{PackageSpec, parse_package};
use crate::error::SpecError;
use crate::version::Specifier;
use outhaul_types::{EnvironmentSpec, Interpreter};

const KEYS: &[&str] = &[
    "name",
    "channels",
    "dependencies",
    "variables",
    "docker",
    "spark",
    "prefix",
];

pub(super) fn read(source: &Source<'_>) -> Result<EnvironmentSpec, SpecError> {
    let root = yaml_text::read(source)?;
    if !matches!(root.value, Value::Map(_)) {
        return Err(source
            .error(
                root.at,
                format!("a conda environment file must be a map, found {}", root.kind()),
            )
            .with_hint("it has the keys `name`, `channels` and `dependencies`"));
    }
    let mut spec = EnvironmentSpec::default();
    for entry in root.entries(source, "the file")? {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            "name" => match value.value {
                Value::Nothing => {}
                _ => spec.name = Some(value.text(source, key)?.to_owned()),
            },
            "channels" => spec.channels = value.strings(source, key)?.into_iter().map(|(_, c)| c).collect(),
            "dependencies" => {
                for item in value.list(source, key)? {
                    dependency(source, item, &mut spec)?;
                }
            }
            "variables" => spec.variables = value.variables(source, key)?,
            "docker" => spec.docker = Some(Box::new(docker::read(source, entry)?)),
            "spark" => spec.spark = Some(Box::new(spark::read(source, entry)?)),
            // Where one machine kept the environment means nothing on another.
            "prefix" => {}
            _ => return Err(unknown_key(source, entry, KEYS)),
        }
    }
    Ok(spec)
}

fn dependency(source: &Source<'_>, item: &Node, spec: &mut EnvironmentSpec) -> Result<(), SpecError> {
    let line = match &item.value {
        Value::Text(line) => line.trim(),
        Value::Map(entries) => {
            for entry in entries {
                if entry.key != "pip" {
                    let known = unknown_key(source, entry, &["pip"]);
                    return Err(match known.hint.as_deref() {
                        Some("did you mean `pip`?") => known,
                        _ => known
                            .with_hint("a dependency is a string such as `numpy=1.26`, or the map `pip:`"),
                    });
                }
                for (at, line) in entry.value.strings(source, "pip")? {
                    if line.starts_with('-') {
                        spec.index_options.push(check_option(source, at, &line)?);
                    } else {
                        source.requirement(at, &line)?;
                        spec.pip.push(line);
                    }
                }
            }
            return Ok(());
        }
        _ => {
            return Err(source
                .error(
                    item.at,
                    format!("a dependency must be a string, found {}", item.kind()),
                )
                .with_hint("for example `- numpy=1.26`"));
        }
    };
    let PackageSpec { name, version, .. } =
        parse_package(line).map_err(|message| source.error(item.at, message))?;
    match name.as_str() {
        // uv and pip come from us, whatever version the file asks for.
        "pip" => {}
        "python" => {
            if let Some(version) = &version {
                Specifier::parse(version).map_err(|message| source.error(item.at, message))?;
            }
            spec.interpreter = Interpreter::Managed { version };
        }
        _ => spec.conda.push(line.to_owned()),
    }
    Ok(())
}
