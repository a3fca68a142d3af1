//! A run until its end: its output as it comes, notes about what it waits for, Ctrl-C, and the summary.

use std::io::IsTerminal as _;
use std::time::Duration;

use jiff::Timestamp;
use outhaul_client::{Client, ClientError, Follow, FollowItem, LogPiece, Reconnect, ensure_server};
use outhaul_types::api::LogQuery;
use outhaul_types::{LogStream, Run, RunState, exit_code};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::context::{Context, program};
use crate::error::{CliError, Outcome};
use crate::output::{Printer, summary};

/// A state that lasts less is not worth a note.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long after the first Ctrl-C a second one cancels the run.
const SECOND_THOUGHT: Duration = Duration::from_secs(2);

/// Follows a run to its end, tells how it went, and gives its exit code.
pub(super) async fn to_the_end(context: &Context, client: &Client, run: &Run) -> Outcome {
    let printer = &context.printer;
    let Some(run) = watch(context, client, run).await? else {
        return Ok(exit_code::DETACHED);
    };
    if !printer.quiet || run.state != RunState::Completed {
        // The run's end is what counts: a summary that cannot be had whole is no failure of the run.
        let metrics = client.metrics(run.id.as_str()).await.unwrap_or_default();
        let outputs = client.outputs(run.id.as_str()).await.unwrap_or_default();
        let text = summary(&run, &metrics, &outputs, printer.err, Timestamp::now());
        printer.raw_err(text.as_bytes())?;
    }
    if printer.json {
        printer.json(&run)?;
    }
    Ok(exit_code::of_run(&run))
}

/// Starts the server again where it was killed or replaced.
pub(super) fn reconnect(context: &Context) -> Reconnect<'_> {
    Box::new(move || {
        Box::pin(async move {
            let program = program().map_err(|error| ClientError::Protocol(error.message))?;
            ensure_server(&context.home, &program).await.map(drop)
        })
    })
}

enum Wake {
    Item(Option<FollowItem>),
    Interrupt,
    Note,
    Detach,
}

/// Shows the run until it has ended (with the run) or the person has detached (`None`).
async fn watch(context: &Context, client: &Client, run: &Run) -> Result<Option<Box<Run>>, CliError> {
    let id = run.id.as_str();
    let mut interrupts = signal(SignalKind::interrupt())
        .map_err(|error| CliError::system(format!("cannot watch for Ctrl-C: {error}")))?;
    let query = LogQuery {
        follow: Some(true),
        states: Some(true),
        ..LogQuery::default()
    };
    let mut follow = Follow::log(client, id, query).on_reconnect(reconnect(context));
    let mut screen = Screen::new(context.printer);
    let mut notes = Notes::default();
    notes.see(run);
    let mut detach_at: Option<Instant> = None;
    loop {
        let next = follow.next();
        tokio::pin!(next);
        // `next` is kept while the other things happen: it may be starting a server.
        let item = loop {
            let wake = tokio::select! {
                biased;
                _ = interrupts.recv() => Wake::Interrupt,
                item = &mut next => Wake::Item(item?),
                () = until(notes.due_at()) => Wake::Note,
                () = until(detach_at) => Wake::Detach,
            };
            match wake {
                Wake::Item(item) => break item,
                Wake::Note => {
                    if let Some(note) = notes.take() {
                        screen.note(&note);
                    }
                }
                Wake::Detach => return Ok(None),
                Wake::Interrupt if detach_at.is_none() && !notes.canceling => {
                    detach_at = Some(Instant::now() + SECOND_THOUGHT);
                    screen.say(&format!(
                        "detached; run `{id}` goes on. Press Ctrl-C again within 2 seconds to cancel it\n\
                         follow: outhaul runs logs {short} -f\ncancel: outhaul runs cancel {short}",
                        short = run.id.short()
                    ));
                }
                Wake::Interrupt => {
                    detach_at = None;
                    notes.canceling = true;
                    screen.say(&format!("canceling run `{id}` ..."));
                    client.cancel(id).await?;
                }
            }
        };
        match item {
            Some(FollowItem::Log(piece)) => screen.log(&piece)?,
            Some(FollowItem::Run(run)) => notes.see(&run),
            Some(FollowItem::Lost(_) | FollowItem::Event(_)) => {}
            Some(FollowItem::End(Some(run))) => return Ok(Some(run)),
            Some(FollowItem::End(None)) | None => return ended(client, id).await.map(Some),
        }
    }
}

/// The run after its stream has ended without it.
async fn ended(client: &Client, id: &str) -> Result<Box<Run>, CliError> {
    let run = client.run(id).await?;
    if run.state.is_terminal() {
        return Ok(Box::new(run));
    }
    let short = run.id.short();
    Err(CliError::system(format!(
        "the server stopped telling about run `{id}`, which goes on"
    ))
    .hint(format!("`outhaul runs logs {short} -f` follows it again")))
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What a person should know about the run's state, held back until it has lasted.
#[derive(Default)]
struct Notes {
    waiting: Option<(Instant, String)>,
    last: String,
    canceling: bool,
}

impl Notes {
    fn see(&mut self, run: &Run) {
        match note(run) {
            Some(text) if text != self.last => self.waiting = Some((Instant::now() + PATIENCE, text)),
            Some(_) => {}
            None => self.waiting = None,
        }
    }

    fn due_at(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|(at, _)| *at)
    }

    fn take(&mut self) -> Option<String> {
        let (_, text) = self.waiting.take()?;
        self.last.clone_from(&text);
        Some(text)
    }
}

/// The note for a run's state; `None` where its output says enough.
fn note(run: &Run) -> Option<String> {
    if let Some(lost) = &run.contact_lost {
        return Some(format!(
            "no contact with target `{}` ({}); the run is not lost",
            run.target, lost.reason
        ));
    }
    if let Some(waiting) = &run.waiting {
        return Some(format!("waiting: {}; {}", waiting.reason, waiting.moved_by));
    }
    match run.state {
        RunState::NotStarted | RunState::Queued => Some("waiting for its turn ...".to_owned()),
        RunState::Provisioning => Some(format!("target `{}` is being made ready ...", run.target)),
        RunState::Preparing => Some("preparing environment and code ...".to_owned()),
        RunState::Starting => Some("starting ...".to_owned()),
        RunState::Finalizing => Some("collecting outputs ...".to_owned()),
        RunState::CancelRequested => Some("waiting for the script to end ...".to_owned()),
        RunState::Running | RunState::Completed | RunState::Failed | RunState::Canceled => None,
    }
}

/// Where the run's output and the notes about it meet.
pub(super) struct Screen {
    printer: Printer,
    /// Notes and output share a terminal, so that a note must not begin in the middle of a line.
    shared: bool,
    in_line: bool,
}

impl Screen {
    pub(super) fn new(printer: Printer) -> Self {
        let shared = printer.watched && (printer.json || std::io::stdout().is_terminal());
        Self {
            printer,
            shared,
            in_line: false,
        }
    }

    /// The bytes of the script to where it wrote them; what building the environment says, dimmed, to standard error.
    pub(super) fn log(&mut self, piece: &LogPiece) -> Result<(), CliError> {
        match piece.stream {
            LogStream::Stdout if !self.printer.json => self.printer.raw(&piece.bytes)?,
            LogStream::Stdout | LogStream::Stderr => self.printer.raw_err(&piece.bytes)?,
            LogStream::Environment if self.printer.quiet => return Ok(()),
            LogStream::Environment => {
                let text = String::from_utf8_lossy(&piece.bytes);
                self.printer.raw_err(self.printer.err.dim(&text).as_bytes())?;
            }
        }
        if let Some(last) = piece.bytes.last() {
            self.in_line = !matches!(last, b'\n' | b'\r');
        }
        Ok(())
    }

    /// Something that may be left out when quiet is wanted.
    fn note(&mut self, text: &str) {
        if !self.printer.quiet {
            self.fresh_line();
            self.printer.note(text);
        }
    }

    /// Something that must be said.
    fn say(&mut self, text: &str) {
        self.fresh_line();
        let _ = self.printer.raw_err(format!("\nouthaul: {text}\n").as_bytes());
    }

    fn fresh_line(&mut self) {
        if std::mem::take(&mut self.in_line) && self.shared {
            let _ = self.printer.raw_err(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::{NewRun, RunEventKind as E, Waiting};

    fn run(events: impl IntoIterator<Item = E>) -> Run {
        let new = NewRun {
            id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
            name: "train".into(),
            workspace: "default".into(),
            experiment: "e".into(),
            target: "box".into(),
            tags: [].into(),
            parent: None,
            spec: None,
        };
        let (mut run, _) = Run::submitted(new, Timestamp::UNIX_EPOCH);
        for event in events {
            run.apply(event, Timestamp::UNIX_EPOCH).unwrap();
        }
        run
    }

    #[test]
    fn notes_say_what_a_run_waits_for() {
        let waiting = Waiting {
            since: Timestamp::UNIX_EPOCH,
            reason: "2 runs are ahead".into(),
            moved_by: "their end".into(),
        };
        let queued = run([
            E::Queued,
            E::Waiting {
                waiting: Some(waiting),
            },
        ]);
        assert_eq!(
            note(&queued).as_deref(),
            Some("waiting: 2 runs are ahead; their end")
        );
        assert_eq!(
            note(&run([E::Queued, E::Preparing])).as_deref(),
            Some("preparing environment and code ...")
        );
        assert_eq!(note(&run([E::Running])), None);
        let lost = note(&run([
            E::Running,
            E::ContactLost {
                reason: "timeout".into(),
            },
        ]))
        .unwrap();
        assert!(lost.contains("no contact with target `box` (timeout)"), "{lost}");
    }

    #[tokio::test]
    async fn short_states_are_passed_over_and_no_note_comes_twice() {
        let mut notes = Notes::default();
        notes.see(&run([E::Queued]));
        let due = notes.due_at().unwrap();
        assert!(due > Instant::now());
        notes.see(&run([E::Queued, E::Preparing]));
        assert_eq!(
            notes.take().as_deref(),
            Some("preparing environment and code ...")
        );
        notes.see(&run([E::Queued, E::Preparing]));
        assert_eq!(notes.due_at(), None);
        notes.see(&run([E::Queued]));
        notes.see(&run([E::Running]));
        assert_eq!((notes.due_at(), notes.take()), (None, None));
    }
}
