//! What every store decides alike about models: numbers and names, changes, lists, and what keeps a version from being
//! deleted.

use outhaul_types::api::ModelFilter;
use outhaul_types::{ChangeModel, Model, ModelName, NewModel, RunId, WebService};

use crate::StoreError;

/// What the names of models are told apart by: two that differ in case only are one name with one row of numbers.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The version of the next model of a name, from the highest number that was given to it, also to a deleted one.
///
/// # Errors
/// [`StoreError::Conflict`] when no number is left.
pub fn next_version(name: &str, highest: Option<u32>) -> Result<u32, StoreError> {
    highest
        .unwrap_or(0)
        .checked_add(1)
        .ok_or_else(|| StoreError::Conflict(format!("model `{name}` has no version numbers left")))
}

/// Refuses a name that is there in another case.
///
/// # Errors
/// [`StoreError::Conflict`] that names the other one.
pub fn check_case(name: &str, known: Option<&str>) -> Result<(), StoreError> {
    match known.filter(|known| *known != name) {
        Some(known) => Err(StoreError::Conflict(format!(
            "there is a model `{known}` already, and names that differ only in case are not told apart: register \
             as `{known}`, or choose another name"
        ))),
        None => Ok(()),
    }
}

/// The answer to a registration whose id was used before: the model that it made, unless it asked for something else.
///
/// # Errors
/// [`StoreError::Conflict`] when it did.
pub fn registered_before(known: Model, new: &NewModel) -> Result<Model, StoreError> {
    let same = (&known.workspace, &known.name, &known.files, &known.origin)
        == (&new.workspace, &new.name, &new.files, &new.origin);
    if same { Ok(known) } else { Err(id_taken(&new.id)) }
}

/// The answer to a registration under an id that belongs to another one, or to a model that was deleted.
#[must_use]
pub fn id_taken(id: &RunId) -> StoreError {
    StoreError::Conflict(format!(
        "id `{id}` belongs to another registration: register with a new id"
    ))
}

/// The answer to a question for a model that is not there.
#[must_use]
pub fn no_model(name: &str, version: Option<u32>) -> StoreError {
    let name = ModelName {
        name: name.to_owned(),
        version,
    };
    StoreError::NotFound {
        what: "model",
        name: name.to_string(),
    }
}

/// Changes a model that was just read, all or none.
///
/// # Errors
/// [`StoreError::Conflict`] for a property that is there with another value.
pub fn change(mut model: Model, change: ChangeModel) -> Result<Model, StoreError> {
    for (name, value) in change.add_properties {
        match model.properties.get(&name) {
            Some(known) if *known != value => {
                return Err(StoreError::Conflict(format!(
                    "property `{name}` of model `{}` is `{known}` and cannot change: a property is set once, use a \
                     tag for what changes",
                    model.reference()
                )));
            }
            _ => model.properties.insert(name, value),
        };
    }
    model.tags.retain(|name, _| !change.remove_tags.contains(name));
    model.tags.extend(change.set_tags);
    if let Some(description) = change.description {
        model.description = Some(description).filter(|text| !text.is_empty());
    }
    Ok(model)
}

/// A service and the models that it was deployed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceModels {
    /// The service's name.
    pub service: String,
    /// Its models, each with its version.
    pub models: Vec<ModelName>,
}

impl ServiceModels {
    /// The registered models of a service: those that it has, and those that it goes back to when an update does not come
    /// up.
    #[must_use]
    pub fn of(service: &WebService) -> Self {
        let previous = service.previous.iter().flat_map(|previous| &previous.models);
        let models = service.spec.models.iter().chain(previous);
        Self {
            service: service.name.clone(),
            models: models
                .filter(|model| model.version > 0)
                .map(|model| ModelName {
                    name: model.name.clone(),
                    version: Some(model.version),
                })
                .collect(),
        }
    }
}

/// The names of the services, among these, that use a version of a model.
pub fn services_that_use<'a>(
    model: &ModelName,
    services: impl IntoIterator<Item = &'a ServiceModels>,
) -> Vec<&'a str> {
    let using = services
        .into_iter()
        .filter(|service| service.models.contains(model));
    using.map(|service| service.service.as_str()).collect()
}

/// Refuses to delete a model that a service uses. `services` are those of the model's workspace, read in the
/// transaction that deletes.
///
/// # Errors
/// [`StoreError::Conflict`] that names them.
pub fn check_unused(model: &ModelName, services: &[ServiceModels]) -> Result<(), StoreError> {
    let using = services_that_use(model, services);
    if using.is_empty() {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "model `{model}` is used by {} `{}`: delete that first, or deploy it with another model",
        if using.len() == 1 { "service" } else { "services" },
        using.join("`, `")
    )))
}

/// A [`ModelFilter`] that was read. Its run is a full id here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelQuery<'a> {
    /// Only this name.
    pub name: Option<&'a str>,
    /// Of each name only the newest that matches.
    pub latest: bool,
    tag: Option<(&'a str, Option<&'a str>)>,
    property: Option<(&'a str, Option<&'a str>)>,
    run: Option<&'a str>,
    framework: Option<&'a str>,
}

impl<'a> ModelQuery<'a> {
    /// Reads a filter.
    #[must_use]
    pub fn new(filter: &'a ModelFilter) -> Self {
        let pair = |text: &'a str| match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        Self {
            name: filter.name.as_deref(),
            latest: filter.latest == Some(true),
            tag: filter.tag.as_deref().map(pair),
            property: filter.property.as_deref().map(pair),
            run: filter.run.as_deref(),
            framework: filter.framework.as_deref(),
        }
    }

    /// Whether a model is meant, without regard to `latest`.
    #[must_use]
    pub fn matches(&self, model: &Model) -> bool {
        let has = |pairs: &std::collections::BTreeMap<String, String>,
                   wanted: Option<(&str, Option<&str>)>| {
            wanted.is_none_or(|(name, value)| {
                pairs
                    .get(name)
                    .is_some_and(|actual| value.is_none_or(|value| value == actual))
            })
        };
        self.name.is_none_or(|name| name == model.name)
            && has(&model.tags, self.tag)
            && has(&model.properties, self.property)
            && self
                .run
                .is_none_or(|run| model.origin.run().is_some_and(|id| id.as_str() == run))
            && self.framework.is_none_or(|wanted| {
                let actual = model.framework.as_deref();
                actual.is_some_and(|actual| actual.eq_ignore_ascii_case(wanted))
            })
    }

    /// Those that are meant of models that come newest first.
    #[must_use]
    pub fn choose(&self, models: Vec<Model>) -> Vec<Model> {
        let mut seen = std::collections::BTreeMap::new();
        let mut found: Vec<_> = models.into_iter().filter(|model| self.matches(model)).collect();
        if self.latest {
            for model in &found {
                let newest = seen.entry(model.name.clone()).or_insert(model.version);
                *newest = model.version.max(*newest);
            }
            found.retain(|model| seen.get(&model.name) == Some(&model.version));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_a_service_uses_is_not_deleted() {
        let named = |text: &str| text.parse::<ModelName>().unwrap();
        let service = |name: &str, models: &[&str]| ServiceModels {
            service: name.into(),
            models: models.iter().map(|model| named(model)).collect(),
        };
        let services = [
            service("scorer", &["churn:1", "other:2"]),
            service("second", &["churn:1"]),
            service("bare", &[]),
        ];
        assert_eq!(
            services_that_use(&named("churn:1"), &services),
            ["scorer", "second"]
        );
        for free in ["churn:2", "Churn:1", "churn:11", "scorer:1"] {
            check_unused(&named(free), &services).unwrap();
        }
        for (model, message) in [
            (
                "other:2",
                "model `other:2` is used by service `scorer`: delete that first, or deploy it with another model",
            ),
            (
                "churn:1",
                "model `churn:1` is used by services `scorer`, `second`: delete that first, or deploy it with \
                 another model",
            ),
        ] {
            let error = check_unused(&named(model), &services).unwrap_err();
            assert!(matches!(error, StoreError::Conflict(_)));
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn numbers_end_with_an_error() {
        assert_eq!(next_version("m", None).unwrap(), 1);
        assert_eq!(next_version("m", Some(9)).unwrap(), 10);
        assert!(next_version("m", Some(u32::MAX)).is_err());
    }
}
