//! The routes of models. A model is named by `NAME:VERSION`, or `NAME` for the newest.

use http::Method;
use outhaul_types::api::{ModelDetails, ModelFilter, RegisterModel};
use outhaul_types::{ChangeModel, Model};

use super::Answer;
use crate::client::{ByteStream, Call, Client};
use crate::query::{segment, segments, with_query};

/// The models of a workspace; `-` stands for the current one.
fn models(workspace: Option<&str>) -> String {
    format!("/workspaces/{}/models", segment(workspace.unwrap_or("-")))
}

fn model(workspace: Option<&str>, model: &str) -> String {
    format!("{}/{}", models(workspace), segment(model))
}

/// Models.
impl Client {
    /// Registers a model. The same id twice registers once.
    ///
    /// # Errors
    /// As every request: [`crate::ClientError`].
    pub async fn register_model(&self, workspace: Option<&str>, request: &RegisterModel) -> Answer<Model> {
        self.typed(Call::post(&models(workspace)).json(request)?.repeatable())
            .await
    }

    /// Models, newest first.
    ///
    /// # Errors
    /// As every request: [`crate::ClientError`].
    pub async fn models(&self, workspace: Option<&str>, filter: &ModelFilter) -> Answer<Vec<Model>> {
        self.typed(Call::get(&with_query(&models(workspace), filter)))
            .await
    }

    /// All that is known of a model.
    ///
    /// # Errors
    /// As every request: [`crate::ClientError`].
    pub async fn model(&self, workspace: Option<&str>, name: &str) -> Answer<ModelDetails> {
        self.typed(Call::get(&model(workspace, name))).await
    }

    /// One file of a model.
    ///
    /// # Errors
    /// As every request: [`crate::ClientError`].
    pub async fn model_file(&self, workspace: Option<&str>, name: &str, path: &str) -> Answer<ByteStream> {
        let path = format!("{}/files/{}", model(workspace, name), segments(path));
        self.stream(Call::get(&path)).await
    }

    /// Changes a version of a model.
    ///
    /// # Errors
    /// As every request: [`crate::ClientError`].
    pub async fn change_model(
        &self,
        workspace: Option<&str>,
        name: &str,
        change: &ChangeModel,
    ) -> Answer<Model> {
        self.typed(Call::new(Method::PATCH, &model(workspace, name)).json(change)?)
            .await
    }

    /// Deletes a version of a model.
    ///
    /// # Errors
    /// As every request: [`crate::ClientError`].
    pub async fn delete_model(&self, workspace: Option<&str>, name: &str) -> Answer<()> {
        self.nothing(Call::new(Method::DELETE, &model(workspace, name)))
            .await
    }
}
