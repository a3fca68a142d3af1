//! The routes of the protocol: from method and path to what is asked for.

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Make an experiment.
    CreateExperiment,
    /// One experiment by id.
    GetExperiment,
    /// One experiment by name.
    GetExperimentByName,
    /// Experiments.
    SearchExperiments,
    /// Delete an experiment; its runs stay.
    DeleteExperiment,
    /// Bring an experiment back.
    RestoreExperiment,
    /// Rename an experiment.
    UpdateExperiment,
    /// Set a tag of an experiment.
    SetExperimentTag,
    /// Remove a tag of an experiment.
    DeleteExperimentTag,
    /// Begin a run.
    CreateRun,
    /// One run.
    GetRun,
    /// Tell a run's status, or rename it.
    UpdateRun,
    /// Delete a run from MLflow's lists.
    DeleteRun,
    /// Bring a run back.
    RestoreRun,
    /// Runs.
    SearchRuns,
    /// Log one metric.
    LogMetric,
    /// Log metrics, params and tags.
    LogBatch,
    /// Log one param.
    LogParam,
    /// Log what a run took in.
    LogInputs,
    /// Log which models a run gave out.
    LogOutputs,
    /// Log the description of a model.
    LogModel,
    /// Set a tag of a run.
    SetTag,
    /// Remove a tag of a run.
    DeleteTag,
    /// All values of a metric.
    MetricHistory,
    /// All values of a metric of several runs.
    MetricHistoryBulk,
    /// The files of a run.
    ListArtifacts,
    /// Make a logged model.
    CreateModel,
    /// Logged models.
    SearchModels,
    /// One logged model.
    GetModel(String),
    /// Tell a logged model's status.
    FinalizeModel(String),
    /// Delete a logged model.
    DeleteModel(String),
    /// Set tags of a logged model.
    SetModelTags(String),
    /// Remove a tag of a logged model.
    DeleteModelTag(String, String),
    /// Log params of a logged model.
    LogModelParams(String),
    /// The files of a logged model.
    ListModelArtifacts(String),
    /// List a folder of artifacts.
    ListFolder,
    /// Give an artifact out.
    Download(String),
    /// Take an artifact in.
    Upload(String),
    /// Remove an artifact or a folder of artifacts.
    Remove(String),
    /// Known, and not there: what, in words.
    Unsupported(&'static str),
}

/// The route of a request; `path` begins after `/api/2.0/`. `None` for one that is not there.
#[must_use]
pub fn route(method: &str, path: &str) -> Option<Route> {
    if let Some(rest) = path.strip_prefix("mlflow-artifacts/") {
        return artifact_route(method, rest);
    }
    let rest = path.strip_prefix("mlflow/")?;
    let parts: Vec<&str> = rest.split('/').collect();
    Some(match (method, parts.as_slice()) {
        ("POST", ["experiments", "create"]) => Route::CreateExperiment,
        ("GET", ["experiments", "get"]) => Route::GetExperiment,
        ("GET", ["experiments", "get-by-name"]) => Route::GetExperimentByName,
        ("POST" | "GET", ["experiments", "search"]) | ("GET", ["experiments", "list"]) => {
            Route::SearchExperiments
        }
        ("POST", ["experiments", "delete"]) => Route::DeleteExperiment,
        ("POST", ["experiments", "restore"]) => Route::RestoreExperiment,
        ("POST", ["experiments", "update"]) => Route::UpdateExperiment,
        ("POST", ["experiments", "set-experiment-tag"]) => Route::SetExperimentTag,
        ("POST", ["experiments", "delete-experiment-tag"]) => Route::DeleteExperimentTag,
        ("POST", ["runs", "create"]) => Route::CreateRun,
        ("GET", ["runs", "get"]) => Route::GetRun,
        ("POST", ["runs", "update"]) => Route::UpdateRun,
        ("POST", ["runs", "delete"]) => Route::DeleteRun,
        ("POST", ["runs", "restore"]) => Route::RestoreRun,
        ("POST", ["runs", "search"]) => Route::SearchRuns,
        ("POST", ["runs", "log-metric"]) => Route::LogMetric,
        ("POST", ["runs", "log-batch"]) => Route::LogBatch,
        ("POST", ["runs", "log-parameter"]) => Route::LogParam,
        ("POST", ["runs", "log-inputs"]) => Route::LogInputs,
        ("POST", ["runs", "outputs"]) => Route::LogOutputs,
        ("POST", ["runs", "log-model"]) => Route::LogModel,
        ("POST", ["runs", "set-tag"]) => Route::SetTag,
        ("POST", ["runs", "delete-tag"]) => Route::DeleteTag,
        ("GET", ["metrics", "get-history"]) => Route::MetricHistory,
        ("GET", ["metrics", "get-history-bulk" | "get-history-bulk-interval"]) => Route::MetricHistoryBulk,
        ("GET", ["artifacts", "list"]) => Route::ListArtifacts,
        ("POST", ["logged-models"]) => Route::CreateModel,
        ("POST", ["logged-models", "search"]) => Route::SearchModels,
        ("GET", ["logged-models", id]) => Route::GetModel((*id).to_owned()),
        ("PATCH", ["logged-models", id]) => Route::FinalizeModel((*id).to_owned()),
        ("DELETE", ["logged-models", id]) => Route::DeleteModel((*id).to_owned()),
        ("PATCH", ["logged-models", id, "tags"]) => Route::SetModelTags((*id).to_owned()),
        ("DELETE", ["logged-models", id, "tags", key @ ..]) => {
            Route::DeleteModelTag((*id).to_owned(), key.join("/"))
        }
        ("POST", ["logged-models", id, "params"]) => Route::LogModelParams((*id).to_owned()),
        ("GET", ["logged-models", id, "artifacts", "directories"]) => {
            Route::ListModelArtifacts((*id).to_owned())
        }
        (_, ["registered-models" | "model-versions", ..]) => Route::Unsupported("the model registry"),
        (_, ["traces" | "assessments" | "scorers", ..]) => Route::Unsupported("tracing"),
        (_, ["artifacts", "presigned-upload-url" | "presigned-download-url"]) => {
            Route::Unsupported("direct access to the artifacts")
        }
        _ => return None,
    })
}

fn artifact_route(method: &str, rest: &str) -> Option<Route> {
    if rest.starts_with("mpu/") {
        return Some(Route::Unsupported("uploading a file in parts"));
    }
    if rest.starts_with("presigned") {
        return Some(Route::Unsupported("direct access to the artifacts"));
    }
    let path = rest.strip_prefix("artifacts")?;
    Some(match (method, path.trim_start_matches('/')) {
        ("GET", "") => Route::ListFolder,
        ("GET", path) => Route::Download(path.to_owned()),
        ("PUT", path) => Route::Upload(path.to_owned()),
        ("DELETE", path) => Route::Remove(path.to_owned()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_known() {
        for (method, path, expected) in [
            ("POST", "mlflow/runs/create", Some(Route::CreateRun)),
            ("GET", "mlflow/runs/create", None),
            ("POST", "mlflow/runs/colour", None),
            (
                "GET",
                "mlflow/logged-models/m-1",
                Some(Route::GetModel("m-1".into())),
            ),
            ("POST", "mlflow/logged-models/search", Some(Route::SearchModels)),
            (
                "DELETE",
                "mlflow/logged-models/m-1/tags/a/b",
                Some(Route::DeleteModelTag("m-1".into(), "a/b".into())),
            ),
            (
                "POST",
                "mlflow/registered-models/create",
                Some(Route::Unsupported("the model registry")),
            ),
            ("GET", "mlflow-artifacts/artifacts", Some(Route::ListFolder)),
            (
                "PUT",
                "mlflow-artifacts/artifacts/0/r/artifacts/a.txt",
                Some(Route::Upload("0/r/artifacts/a.txt".into())),
            ),
            (
                "POST",
                "mlflow-artifacts/mpu/create/0/r",
                Some(Route::Unsupported("uploading a file in parts")),
            ),
            ("GET", "other", None),
        ] {
            assert_eq!(route(method, path), expected, "{method} {path}");
        }
    }
}
