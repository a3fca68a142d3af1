//! Where the files of models lie for a scoring script: as Azure ML v1 has it, where `AZUREML_MODEL_DIR` is the folder of
//! the version when there is one model, and the folder above all of them when there are several. Pure.

use super::ModelName;

/// The name of the folder above all models.
pub const ROOT: &str = "azureml-models";

/// A model's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a, T> {
    /// Path of its folder, `<root>/<name>/<version>`; the tree of its files is written out there.
    pub folder: String,
    /// What the model was given with.
    pub model: &'a T,
}

/// Where several models lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout<'a, T> {
    /// What the variable `AZUREML_MODEL_DIR` says, as a path below the folder that holds [`ROOT`].
    pub model_dir: String,
    /// A place for each model, by name and version.
    pub places: Vec<Place<'a, T>>,
}

/// The layout of models, each given with what its caller needs of it: its tree, or the whole [`super::Model`]. A model
/// that is named twice is there once, and a name without a version has no place.
pub fn layout<'a, T>(models: impl IntoIterator<Item = (ModelName, &'a T)>) -> Layout<'a, T> {
    let mut all: Vec<_> = models
        .into_iter()
        .filter_map(|(model, what)| Some(((model.name, model.version?), what)))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all.dedup_by(|one, other| one.0 == other.0);
    let places: Vec<_> = all
        .into_iter()
        .map(|((name, version), model)| Place {
            folder: format!("{ROOT}/{name}/{version}"),
            model,
        })
        .collect();
    let model_dir = match places.as_slice() {
        [only] => only.folder.clone(),
        _ => ROOT.to_owned(),
    };
    Layout { model_dir, places }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> (String, Vec<String>) {
        let given: Vec<ModelName> = names.iter().map(|name| name.parse().unwrap()).collect();
        let found = layout(given.iter().map(|name| (name.clone(), name)));
        for place in &found.places {
            assert_eq!(place.folder, format!("{ROOT}/{}", place.model).replace(':', "/"));
        }
        (
            found.model_dir,
            found.places.into_iter().map(|place| place.folder).collect(),
        )
    }

    #[test]
    fn one_model_is_in_the_folder_itself_and_several_are_below_it() {
        for (names, dir, folders) in [
            (
                &["churn:3"][..],
                "azureml-models/churn/3",
                &["azureml-models/churn/3"][..],
            ),
            (
                &["churn:3", "churn:3"],
                "azureml-models/churn/3",
                &["azureml-models/churn/3"],
            ),
            (
                &["b:1", "a:10", "a:9"],
                "azureml-models",
                &["azureml-models/a/9", "azureml-models/a/10", "azureml-models/b/1"],
            ),
            (&[], "azureml-models", &[]),
        ] {
            let (actual, places) = of(names);
            assert_eq!(
                (actual.as_str(), places),
                (dir, folders.iter().map(|f| (*f).to_owned()).collect())
            );
        }
    }
}
