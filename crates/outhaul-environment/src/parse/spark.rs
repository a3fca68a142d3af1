//! The section `spark` of an environment file: what runs on Spark clusters get besides Python packages.

use outhaul_types::SparkSpec;
use outhaul_types::spark::{is_package, is_property};

use super::Source;
use super::node::{Entry, unknown_key};
use crate::error::SpecError;

const KEYS: &[&str] = &["packages", "repositories", "configuration"];

/// Reads the section.
pub(super) fn read(source: &Source<'_>, section: &Entry) -> Result<SparkSpec, SpecError> {
    let mut spark = SparkSpec::default();
    for entry in section.value.entries(source, "spark")? {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            "packages" => {
                for (at, package) in value.strings(source, key)? {
                    if !is_package(&package) {
                        return Err(source
                            .error(at, format!("`{package}` is no Spark package"))
                            .with_hint("write it as `GROUP:ARTIFACT:VERSION`"));
                    }
                    spark.packages.push(package);
                }
            }
            "repositories" => {
                spark.repositories = value
                    .strings(source, key)?
                    .into_iter()
                    .map(|(_, url)| url)
                    .collect();
            }
            "configuration" => {
                for property in value.entries(source, key)? {
                    let name = property.key.as_str();
                    if !is_property(name) {
                        return Err(source
                            .error(property.key_at, format!("`{name}` is no property of Spark"))
                            .with_hint("names begin with `spark.`, as in `spark.executor.memory`"));
                    }
                    let text = property.value.text(source, name)?;
                    spark.configuration.insert(name.to_owned(), text.to_owned());
                }
            }
            _ => return Err(unknown_key(source, entry, KEYS)),
        }
    }
    Ok(spark)
}

#[cfg(test)]
mod tests {
    use outhaul_types::SparkSpec;

    use crate::parse::parse;

    fn spark(name: &str, text: &str) -> Result<Option<SparkSpec>, String> {
        parse(name, text)
            .map(|spec| spec.spark.map(|spark| *spark))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_section_is_read() {
        let expected = SparkSpec {
            packages: vec!["g:a:1".into()],
            repositories: vec!["https://repo.example.org".into()],
            configuration: [("spark.executor.cores".to_owned(), "2".to_owned())].into(),
            deploy_mode: None,
        };
        let yaml = "dependencies: [python=3.11]\nspark:\n  packages: ['g:a:1']\n  repositories: ['https://repo.example.org']\n  configuration:\n    spark.executor.cores: 2\n";
        assert_eq!(spark("environment.yml", yaml).unwrap(), Some(expected.clone()));
        let toml = "[spark]\npackages = ['g:a:1']\nrepositories = ['https://repo.example.org']\nconfiguration = { \"spark.executor.cores\" = 2 }\n";
        assert_eq!(spark("environment.toml", toml).unwrap(), Some(expected));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            ("spark: 1\n", "`spark` must be a map"),
            ("spark:\n  packages: [org.x]\n", "`org.x` is no Spark package"),
            (
                "spark:\n  configuration:\n    executor.cores: 1\n",
                "`executor.cores` is no property",
            ),
            ("spark:\n  package: [a]\n", "package"),
        ] {
            let error = spark("environment.yml", text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
