//! The files of models, laid out for a scoring script. What lies where is said by [`outhaul_types::model::layout`].

use std::path::Path;

use outhaul_snapshot::{EntryKind, Tree, TreeEntry, TreeError};
use outhaul_types::Model;
use outhaul_types::model::layout::{Layout, layout};

use crate::{ArtifactError, ArtifactStore};

/// The files of some models as one tree: what a driver sends like code, with contents from the artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolder {
    /// The tree; each model lies in its folder below [`outhaul_types::model::layout::ROOT`].
    pub tree: Tree,
    /// What `AZUREML_MODEL_DIR` says, as a path below the folder that the tree is written into.
    pub model_dir: String,
}

/// Puts trees in their places. Pure.
///
/// # Errors
/// When the trees together are no sound tree: a path is too long.
pub fn combine(layout: &Layout<'_, Tree>) -> Result<ModelFolder, TreeError> {
    let mut entries = Vec::new();
    for place in &layout.places {
        for entry in place.model.entries() {
            // Links are relative and stay inside their tree, so they may move with it.
            let kind: EntryKind = entry.kind.clone();
            entries.push(TreeEntry {
                path: format!("{}/{}", place.folder, entry.path),
                kind,
            });
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(ModelFolder {
        tree: Tree::new(entries)?,
        model_dir: layout.model_dir.clone(),
    })
}

/// The files of these models as one tree.
///
/// # Errors
/// When the tree of one is missing or damaged.
pub async fn model_folder(store: &dyn ArtifactStore, models: &[Model]) -> Result<ModelFolder, ArtifactError> {
    let mut trees = Vec::with_capacity(models.len());
    for model in models {
        trees.push((model.reference(), store.tree(&model.files.tree).await?));
    }
    let layout = layout(trees.iter().map(|(name, tree)| (name.clone(), tree)));
    combine(&layout).map_err(|error| ArtifactError::Store(error.to_string()))
}

/// Writes the files of these models into a folder of this machine, each checked on the way, and gives the path of
/// `AZUREML_MODEL_DIR` below it. Nothing that is there is replaced.
///
/// # Errors
/// When a content is missing or damaged, something is in the way, or the folder cannot be written; it then holds a part.
pub async fn write_models(
    store: &dyn ArtifactStore,
    models: &[Model],
    to: &Path,
) -> Result<String, ArtifactError> {
    let folder = model_folder(store, models).await?;
    store.write_out(&folder.tree, to).await?;
    Ok(folder.model_dir)
}

#[cfg(test)]
mod tests {
    use outhaul_types::model::{ModelFiles, ModelOrigin};

    use super::*;
    use crate::FolderArtifacts;

    async fn model(store: &FolderArtifacts, name: &str, version: u32, path: &str, content: &str) -> Model {
        let source = tempfile::tempdir().unwrap();
        let file = source.path().join("file");
        std::fs::write(&file, content).unwrap();
        let kept = store.keep(&file).await.unwrap();
        let kind = EntryKind::File {
            hash: kept.hash.parse().unwrap(),
            size: kept.size,
            executable: false,
        };
        let tree = Tree::new(vec![TreeEntry {
            path: path.into(),
            kind,
        }])
        .unwrap();
        Model {
            id: "0000000000000001".parse().unwrap(),
            workspace: "default".into(),
            name: name.into(),
            version,
            files: ModelFiles {
                tree: store.keep_tree(&tree).await.unwrap(),
                entry: path.split('/').next().unwrap().into(),
                files: 1,
                bytes: kept.size,
            },
            origin: ModelOrigin::Path { path: "m".into() },
            created_at: jiff::Timestamp::UNIX_EPOCH,
            tags: Default::default(),
            properties: Default::default(),
            description: None,
            framework: None,
            framework_version: None,
        }
    }

    #[tokio::test]
    async fn models_are_written_where_a_scoring_script_looks_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderArtifacts::open(&folder.path().join("artifacts")).unwrap();
        let file = model(&store, "churn", 3, "model.pkl", "weights").await;
        let tree = model(&store, "net", 10, "saved/deep/w.bin", "net").await;
        let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();

        let one = folder.path().join("one");
        let dir = write_models(&store, std::slice::from_ref(&file), &one)
            .await
            .unwrap();
        assert_eq!(dir, "azureml-models/churn/3");
        assert_eq!(read("one/azureml-models/churn/3/model.pkl"), "weights");

        let both = [tree.clone(), file.clone()];
        let dir = write_models(&store, &both, &folder.path().join("two"))
            .await
            .unwrap();
        assert_eq!(dir, "azureml-models");
        assert_eq!(read("two/azureml-models/churn/3/model.pkl"), "weights");
        assert_eq!(read("two/azureml-models/net/10/saved/deep/w.bin"), "net");
        // The same models are the same tree, in whatever order they are given.
        let again = model_folder(&store, &[file, tree]).await.unwrap();
        assert_eq!(again, model_folder(&store, &both).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_model_is_not_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path().join("artifacts");
        let store = FolderArtifacts::open(&artifacts).unwrap();
        let damaged = model(&store, "churn", 1, "model.pkl", "weights").await;
        let hash = blake3::hash(b"weights").to_hex();
        let place = artifacts.join(&hash[..2]).join(&hash[2..]);
        std::fs::remove_file(&place).unwrap();
        std::fs::write(&place, "Weights").unwrap();
        let to = folder.path().join("to");
        let error = write_models(&store, &[damaged], &to).await.unwrap_err();
        assert!(
            error.to_string().contains("azureml-models/churn/1/model.pkl"),
            "{error}"
        );
    }
}
