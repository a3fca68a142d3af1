//! A machine that is reached by a shell: the run directory protocol carried out by a script on the far side
//! (`host.sh`), asked over whatever carries a command line, its input and its output ([`Shell`]).
//!
//! One question for any number of runs, bytes by offset, code by content. What the far side says is parsed by pure
//! functions; nothing here knows SSH.

mod answer;
mod batch;
mod collect;
mod delta;
mod evidence;
mod facts;
mod install;
mod pack;
mod runs;
mod session;
mod shell;
mod stage;
mod upload;
mod watch;

pub use answer::{Answer, Block, behind_mark};
pub use facts::{FACTS, parse_facts};
pub use install::{Installation, folder_problem};
pub use runs::{RemoteRuns, RemoteRunsConfig};
pub use session::{Hello, Session};
pub use shell::{Input, Output, Shell, ShellError, ShellErrorKind, Stream};
