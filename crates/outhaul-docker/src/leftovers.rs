//! What this home has made on the engine, and taking it away when the target is detached.

use bollard::query_parameters::{ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions};

use crate::engine::Engine;
use crate::error::{DockerError, ErrorKind};

/// What a home has made on an engine, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Containers.
    pub containers: Vec<String>,
    /// Images that were built. Images that were only pulled are not counted: others may use them.
    pub images: Vec<String>,
}

impl Leftovers {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.images.is_empty()
    }
}

impl Engine {
    /// What this home has made on the engine and is still there.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn leftovers(&self) -> Result<Leftovers, DockerError> {
        const OPERATION: &str = "list what is left on the engine";
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&self.ours())
            .build();
        let containers = self
            .ask(OPERATION, self.docker.list_containers(Some(options)))
            .await?;
        let options = ListImagesOptionsBuilder::new().filters(&self.ours()).build();
        let images = self
            .ask(OPERATION, self.docker.list_images(Some(options)))
            .await?;
        let names = containers.into_iter().filter_map(|container| {
            let name = container.names?.into_iter().next()?;
            Some(name.trim_start_matches('/').to_owned())
        });
        let tags = images.into_iter().flat_map(|image| {
            let tags = image.repo_tags;
            // Of a build that was made anew, or one that lost its name.
            let nameless = tags.iter().all(|tag| tag.starts_with("<none>"));
            if nameless { vec![image.id] } else { tags }
        });
        let mut found = Leftovers {
            containers: names.collect(),
            images: tags.collect(),
        };
        found.containers.sort();
        found.images.sort();
        Ok(found)
    }

    /// Removes all that this home has made on the engine, running or not, and gives what was removed. An image that
    /// somebody else's container uses is left.
    ///
    /// # Errors
    /// When the engine cannot do it; what had been removed by then stays removed.
    pub async fn remove_leftovers(&self) -> Result<Leftovers, DockerError> {
        let found = self.leftovers().await?;
        for name in &found.containers {
            self.remove_named(name).await?;
        }
        let mut removed = Leftovers {
            containers: found.containers,
            images: Vec::new(),
        };
        for name in found.images {
            let removal = self.docker.remove_image(&name, None::<RemoveImageOptions>, None);
            match self.ask("remove an image", removal).await {
                Ok(_) => removed.images.push(name),
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }
}
