//! How runs' containers are, by the engine's own state.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerSummaryStateEnum as State};
use bollard::query_parameters::ListContainersOptionsBuilder;
use jiff::Timestamp;
use outhaul_types::RunKey;

use crate::engine::{Engine, RUN_LABEL};
use crate::error::DockerError;
use crate::request::container_name;

const OPERATION: &str = "look at the containers";

/// How a run's container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It was made and has not been started.
    Created,
    /// It runs.
    Running,
    /// It has ended.
    Exited {
        /// Exit code of the container, which is the process's, or 137 when it was ended by force.
        code: i64,
        /// Whether the kernel ended something in it because the memory limit was reached.
        oom_killed: bool,
        /// When it ended, by the clock of the engine's host.
        finished_at: Option<Timestamp>,
    },
    /// This home has no such container.
    Missing,
}

impl Engine {
    /// How the containers of these runs are: one call for all, and one more for each that has ended.
    ///
    /// # Errors
    /// When the engine cannot be asked: nothing is then known about any of them.
    pub async fn observe(&self, run_keys: &[RunKey]) -> Result<HashMap<RunKey, ContainerState>, DockerError> {
        if run_keys.is_empty() {
            return Ok(HashMap::new());
        }
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&self.ours())
            .build();
        let listed = self
            .ask(OPERATION, self.docker.list_containers(Some(options)))
            .await?;
        let found: HashMap<String, State> = listed
            .into_iter()
            .filter_map(|container| Some((container.labels?.remove(RUN_LABEL)?, container.state?)))
            .collect();
        let mut states = HashMap::new();
        for key in run_keys {
            let state = match found.get(key.as_str()) {
                None | Some(State::EMPTY | State::REMOVING) => ContainerState::Missing,
                Some(State::CREATED) => ContainerState::Created,
                Some(State::RUNNING | State::PAUSED | State::RESTARTING | State::STOPPING) => {
                    ContainerState::Running
                }
                Some(State::EXITED | State::DEAD) => {
                    let there = self.inspect(OPERATION, &container_name(key.as_str())).await?;
                    there.map_or(ContainerState::Missing, |there| ended(&there))
                }
            };
            states.insert(key.clone(), state);
        }
        Ok(states)
    }
}

/// How a container ended. One that was started again since it was listed runs.
fn ended(there: &ContainerInspectResponse) -> ContainerState {
    let Some(state) = &there.state else {
        return ContainerState::Missing;
    };
    if state.running == Some(true) {
        return ContainerState::Running;
    }
    ContainerState::Exited {
        code: state.exit_code.unwrap_or(-1),
        oom_killed: state.oom_killed.unwrap_or(false),
        finished_at: state.finished_at.as_deref().and_then(|text| text.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ContainerState as Told;

    use super::*;

    #[test]
    fn ends_are_read() {
        let there = |state| ContainerInspectResponse {
            state: Some(state),
            ..ContainerInspectResponse::default()
        };
        let told = Told {
            exit_code: Some(137),
            oom_killed: Some(true),
            finished_at: Some("2026-11-25T02:13:01.880513858Z".into()),
            ..Told::default()
        };
        assert_eq!(
            ended(&there(told.clone())),
            ContainerState::Exited {
                code: 137,
                oom_killed: true,
                finished_at: Some("2026-11-25T02:13:01.880513858Z".parse().unwrap()),
            }
        );
        let again = Told {
            running: Some(true),
            ..told
        };
        assert_eq!(ended(&there(again)), ContainerState::Running);
        assert_eq!(
            ended(&ContainerInspectResponse::default()),
            ContainerState::Missing
        );
    }
}
