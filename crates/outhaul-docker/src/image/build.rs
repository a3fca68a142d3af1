//! Building an image from the text of a Dockerfile, without a context.

use std::collections::{HashMap, VecDeque};

use bollard::query_parameters::BuildImageOptionsBuilder;
use futures_util::StreamExt;

use super::LogSink;
use crate::engine::{Engine, HOME_LABEL};
use crate::error::{DockerError, ErrorKind};

const OPERATION: &str = "build the image";
/// How many lines of a failed build its error tells.
const TOLD: usize = 12;

impl Engine {
    /// Builds an image under this name; all that the build says goes to the log.
    pub(super) async fn build(&self, name: &str, text: &str, log: &dyn LogSink) -> Result<(), DockerError> {
        let context = context(text).map_err(|error| {
            DockerError::new(
                ErrorKind::BadRequest,
                OPERATION,
                format!("the Dockerfile cannot be packed: {error}"),
            )
        })?;
        let options = BuildImageOptionsBuilder::new()
            .t(name)
            .rm(true)
            .forcerm(true)
            .labels(&HashMap::from([(HOME_LABEL, &*self.home)]))
            .build();
        let mut steps = self
            .docker
            .build_image(options, None, Some(bollard::body_full(context.into())));
        let mut lines = Lines::new(log);
        while let Some(step) = steps.next().await {
            match step {
                Ok(step) => {
                    if let Some(text) = step.stream {
                        lines.push(&text);
                    } else if let Some(status) = step.status {
                        // A base image that is being pulled.
                        if step.progress_detail.is_none_or(|bar| bar.total.is_none()) {
                            lines.push(&format!("{status}\n"));
                        }
                    }
                }
                Err(error) => {
                    let told = lines.finish();
                    return Err(explain(&DockerError::of(OPERATION, error), &told));
                }
            }
        }
        lines.finish();
        Ok(())
    }
}

/// A tar with nothing in it but the Dockerfile; the same text gives the same bytes.
fn context(text: &str) -> std::io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, "Dockerfile", text.as_bytes())?;
    tar.into_inner()
}

/// Makes whole lines of what comes in pieces, and remembers the last ones.
struct Lines<'a> {
    log: &'a dyn LogSink,
    part: String,
    last: VecDeque<String>,
}

impl<'a> Lines<'a> {
    fn new(log: &'a dyn LogSink) -> Self {
        Self {
            log,
            part: String::new(),
            last: VecDeque::new(),
        }
    }

    fn push(&mut self, text: &str) {
        self.part.push_str(text);
        while let Some(end) = self.part.find('\n') {
            let line: String = self.part.drain(..=end).collect();
            self.tell(line);
        }
    }

    fn tell(&mut self, line: String) {
        self.log.line(line.as_bytes());
        if !line.trim().is_empty() {
            self.last.push_back(line);
            if self.last.len() > TOLD {
                self.last.pop_front();
            }
        }
    }

    /// Tells what is left, and gives the last lines.
    fn finish(mut self) -> String {
        let part = std::mem::take(&mut self.part);
        if !part.is_empty() {
            self.tell(part);
        }
        self.last.into_iter().collect()
    }
}

fn explain(error: &DockerError, told: &str) -> DockerError {
    if matches!(
        error.kind,
        ErrorKind::Unreachable | ErrorKind::DiskFull | ErrorKind::Denied
    ) {
        return error.clone();
    }
    let has = |part: &str| error.message.contains(part);
    let hint = if has("COPY failed") || has("ADD failed") || has("failed to compute cache key") {
        "a Dockerfile is built without files beside it: fetch what it needs with RUN, or name a built image"
    } else if has("no such host")
        || has("pull access denied")
        || has("manifest unknown")
        || has("connection refused")
    {
        "the image after FROM is not on the engine and cannot be pulled: look at its name, or load it with `docker load`"
    } else {
        "correct the Dockerfile"
    };
    let mut message = format!("the Dockerfile cannot be built: {}", error.message);
    if !told.trim().is_empty() {
        message.push_str("\nits last lines:\n");
        message.push_str(told.trim_end());
    }
    DockerError::new(ErrorKind::BadRequest, OPERATION, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn line(&self, bytes: &[u8]) {
            self.0
                .lock()
                .unwrap()
                .push(String::from_utf8_lossy(bytes).into_owned());
        }
    }

    #[test]
    fn pieces_become_lines_and_the_last_are_remembered() {
        let kept = Kept(Mutex::default());
        let mut lines = Lines::new(&kept);
        for piece in ["Step 1", " : FROM x\n", "\n", "a\nb", "c"] {
            lines.push(piece);
        }
        assert_eq!(lines.finish(), "Step 1 : FROM x\na\nbc");
        assert_eq!(*kept.0.lock().unwrap(), ["Step 1 : FROM x\n", "\n", "a\n", "bc"]);
    }

    #[test]
    fn the_context_is_the_dockerfile_alone() {
        let bytes = context("FROM scratch\n").unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(names, [std::path::PathBuf::from("Dockerfile")]);
        assert_eq!(context("FROM scratch\n").unwrap(), bytes);
    }

    #[test]
    fn failures_tell_the_last_lines() {
        let error = DockerError::answered(
            OPERATION,
            500,
            "The command '/bin/sh -c false' returned a non-zero code: 1",
        );
        let error = explain(&error, "Step 2/2 : RUN false\n");
        assert_eq!(error.kind, ErrorKind::BadRequest);
        assert!(error.message.contains("Step 2/2 : RUN false"), "{error}");
    }
}
