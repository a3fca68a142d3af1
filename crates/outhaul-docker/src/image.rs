//! Making sure that an image is there: used as it is, pulled, or built once.

mod build;
mod pull;

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{DockerError, ErrorKind};
use crate::request::ImageRef;

/// Takes what pulling and building say.
pub trait LogSink: Send + Sync {
    /// Takes one line with its line end; the last one may lack it. Must not block for long.
    fn line(&self, bytes: &[u8]);
}

/// Drops all output.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl LogSink for NoLog {
    fn line(&self, _: &[u8]) {}
}

impl Engine {
    /// Makes sure that the image is on the engine, and gives its id. An image that is there is used as it is; one that
    /// is not is pulled, or built from its Dockerfile without a context. A Dockerfile is built once for each content.
    ///
    /// # Errors
    /// When the image cannot be had; a failed build tells its last lines.
    pub async fn ensure_image(&self, image: &ImageRef, log: &dyn LogSink) -> Result<String, DockerError> {
        let name = image.name(&self.home);
        check_name(&name)?;
        // One at a time for each image: the second finds what the first has made.
        let turn = Arc::clone(self.making.lock().await.entry(name.clone()).or_default());
        let made = async {
            let _turn = turn.lock().await;
            if let Some(id) = self.image_id(&name).await? {
                return Ok(id);
            }
            match image {
                ImageRef::Name(_) => self.pull(&name, log).await?,
                ImageRef::Dockerfile(text) => self.build(&name, text, log).await?,
            }
            self.image_id(&name).await?.ok_or_else(|| {
                DockerError::new(
                    ErrorKind::Engine,
                    "get the image",
                    format!("the image `{name}` was made and is not there"),
                )
            })
        }
        .await;
        let mut making = self.making.lock().await;
        // Nobody else waits for it: this call's and the table's are the only two.
        if Arc::strong_count(&turn) <= 2 {
            making.remove(&name);
        }
        made
    }

    /// The id of an image that is on the engine already.
    ///
    /// # Errors
    /// When the engine cannot be asked, or the name is none.
    pub async fn find_image(&self, image: &ImageRef) -> Result<Option<String>, DockerError> {
        let name = image.name(&self.home);
        check_name(&name)?;
        self.image_id(&name).await
    }

    /// The folders of programs of an image that is on the engine, as its own `PATH` names them.
    ///
    /// # Errors
    /// When the engine cannot be asked, or the image is not there.
    pub async fn image_search_path(&self, name: &str) -> Result<Vec<String>, DockerError> {
        const USUAL: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let image = self
            .ask("look at the image", self.docker.inspect_image(name))
            .await?;
        let variables = image.config.and_then(|config| config.env).unwrap_or_default();
        let path = variables.iter().find_map(|line| line.strip_prefix("PATH="));
        let folders = path.unwrap_or(USUAL).split(':');
        Ok(folders
            .filter(|folder| folder.starts_with('/'))
            .map(str::to_owned)
            .collect())
    }

    async fn image_id(&self, name: &str) -> Result<Option<String>, DockerError> {
        match self
            .ask("look for the image", self.docker.inspect_image(name))
            .await
        {
            Ok(image) => Ok(image.id),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Refuses what cannot be a name, before it becomes part of an address.
fn check_name(name: &str) -> Result<(), DockerError> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    let parts_ok = name
        .split('/')
        .all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric()));
    if name.chars().all(known) && parts_ok && name.len() <= 512 {
        return Ok(());
    }
    Err(DockerError::new(
        ErrorKind::BadRequest,
        "get the image",
        format!("`{name}` is not the name of an image"),
    )
    .with_hint("write it as for `docker pull`, such as `python:3.11-slim`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for (name, ok) in [
            ("python", true),
            ("python:3.11-slim", true),
            ("host.example:5000/team/a_b:1", true),
            ("a@sha256:0123", true),
            ("sha256:0123", true),
            ("", false),
            ("../x", false),
            ("a/../b", false),
            ("a b", false),
            ("a?x=1", false),
            ("a//b", false),
        ] {
            assert_eq!(check_name(name).is_ok(), ok, "{name}");
        }
    }
}
