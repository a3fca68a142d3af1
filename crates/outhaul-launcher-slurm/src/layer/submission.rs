//! Handing runs over to the scheduler: each with a job of its own, or those of one array that come together by one call.

use std::future::Future;
use std::pin::Pin;

use outhaul_driver::{DriverError, ErrorKind};
use outhaul_host::staging::StagingDriver;
use outhaul_types::{ArrayElement, RunKey};

use super::{SUBMIT, Slurm, lock};
use crate::array::{self, is_too_large};
use crate::batch::{self, Place};
use crate::collector::{Answer, Element};

impl<D: StagingDriver> Slurm<D> {
    /// Submits a run with a job of its own.
    pub(super) async fn submit_alone(&self, key: &RunKey, batch: &str) -> Answer {
        let script = self.places().submit(key, batch);
        let job = self.job(SUBMIT, key, &script).await?;
        job.map(|job| job.id).ok_or_else(|| {
            let message = "the run's folder is gone";
            DriverError::temporary(ErrorKind::Target, SUBMIT, message)
        })
    }

    /// Submits a run of an array, together with those that come at the same time.
    pub(super) async fn submit_element(&self, key: &RunKey, batch: &str, array: &ArrayElement) -> Answer {
        let limit = array.indexes().and_then(|indexes| indexes.limit());
        let all = array.count.min(limit.unwrap_or(u32::MAX));
        let together = |elements| -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(async move {
                for part in array::parts(elements) {
                    self.submit_together(&array.id.to_string(), part).await;
                }
            })
        };
        let element = (key, array.index, batch);
        self.collector
            .submit(&array.id, element, all as usize, &together)
            .await
    }

    /// Submits runs of an array by one call, and tells each what came of it.
    async fn submit_together(&self, array: &str, part: Vec<Element>) {
        let places = self.places();
        let elements: Vec<(RunKey, u32)> = part
            .iter()
            .map(|element| (element.key.clone(), element.index))
            .collect();
        let name = array::name(&elements, array);
        let place = Place::Array {
            name: &name,
            folder: &format!("{}/{name}", places.arrays()),
            // The call names those that are wanted.
            indexes: "0",
        };
        let batch = part.first().map(|element| batch::moved(&element.batch, place));
        let script = places.submit_array(&name, &batch.unwrap_or_default(), &elements);
        match self.host.script(SUBMIT, &script).await {
            Ok((_, text)) if is_too_large(&text) => {
                for element in part {
                    let place = Place::Run {
                        key: &element.key,
                        run_dir: &places.run_dir(&element.key),
                    };
                    let batch = batch::moved(&element.batch, place);
                    let answer = self.submit_alone(&element.key, &batch).await;
                    element.tell(answer);
                }
            }
            Ok((_, text)) => {
                let mut answers = array::answers(SUBMIT, &elements, &text);
                for element in part {
                    if let Some(answer) = answers.remove(&element.key) {
                        if let Ok(id) = &answer {
                            lock(&self.met).insert(element.key.to_string(), *id);
                        }
                        element.tell(answer);
                    }
                }
            }
            Err(error) => {
                for element in part {
                    element.tell(Err(array::copy(&error)));
                }
            }
        }
    }
}
