//! The two servers, each with runs in its store that were put there before it started.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::client::Client;
use crate::bench::limit::{self, Group};
use crate::bench::machine::Machine;
use crate::bench::port;
use crate::bench::venv::Venv;
use crate::server::Server;
use crate::shell;
use crate::temp::Temp;

/// The longest that MLflow's server may take to start or to be filled.
const PATIENCE: Duration = Duration::from_secs(300);
/// The experiment whose runs are searched.
const SEARCHED: &str = "searched";
const FILL: &str = include_str!("fill.py");

/// Makes the two experiments and prints their ids.
const EXPERIMENTS: &str = "import sys
from mlflow.tracking import MlflowClient
client = MlflowClient()
for name in ('written', 'searched'):
    found = client.get_experiment_by_name(name)
    print(found.experiment_id if found else client.create_experiment(name))
";

/// A run as the filled ones are; its id is printed.
const TEMPLATE: &str = "import sys
from mlflow.tracking import MlflowClient
client = MlflowClient()
run = client.create_run(sys.argv[1], run_name='run-0', tags={'mlflow.user': 'someone', 'mlflow.source.name': 'train.py'})
client.log_param(run.info.run_id, 'fold', '0')
client.log_metric(run.info.run_id, 'loss', 0.0, step=0)
client.log_metric(run.info.run_id, 'accuracy', 0.5, step=0)
client.set_terminated(run.info.run_id)
print(run.info.run_id)
";

/// Outhaul, with its door for MLflow open.
pub struct Ours {
    server: Server,
    folder: Temp,
}

impl Ours {
    /// Fills a store with so many runs, and starts.
    pub fn start(machine: &Machine, runs: usize) -> Result<Self> {
        let server = machine.outhaul()?;
        server.start()?;
        server.stop()?;
        let mut fill = crate::repo::clean(machine.measure());
        fill.arg("fill-tracked")
            .arg(server.home().join("outhaul.db"))
            .args([SEARCHED, &runs.to_string()]);
        shell::output(&mut fill)?;
        server.start()?;
        let folder = Temp::new("client")?;
        Ok(Self { server, folder })
    }

    /// A client of it.
    pub fn client(&self, venv: &Venv) -> Result<Client> {
        let said = |what: &str| -> Result<String> {
            let said = shell::output(&mut self.server.command(&["mlflow", what]))?;
            Ok(said.trim().to_owned())
        };
        let door = [
            ("MLFLOW_TRACKING_URI", said("uri")?),
            ("MLFLOW_TRACKING_TOKEN", said("token")?),
        ];
        let (written, searched) = experiments(venv, self.folder.path(), &door)?;
        Client::start(venv, self.folder.path(), &door, &written, &searched)
    }
}

/// MLflow's own server on SQLite, as its documentation starts it.
pub struct Theirs {
    // Before the folder: it ends before its files go.
    _server: Group,
    folder: Temp,
    door: [(&'static str, String); 1],
}

impl Theirs {
    /// Starts it, and puts so many runs into its store.
    pub fn start(venv: &Venv, runs: usize) -> Result<Self> {
        let folder = Temp::new("mlflow")?;
        let address = port::free()?;
        let log = folder.path().join("server.log");
        let store = folder.path().join("mlflow.db");
        let mut command = venv.command("mlflow", folder.path())?;
        command.args([
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            &address.port().to_string(),
        ]);
        command
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{}", store.display()))
            .arg("--artifacts-destination")
            .arg(folder.path().join("artifacts"));
        let mut server = Group::start(&mut command, &log)?;
        let door = [("MLFLOW_TRACKING_URI", format!("http://{address}"))];
        let begin = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            if server.has_ended()? {
                bail!("`mlflow server` ended: {}", limit::last_line(&log));
            }
            if begin.elapsed() > PATIENCE {
                bail!("`mlflow server` was not up within {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let theirs = Self {
            _server: server,
            folder,
            door,
        };
        let (_, searched) = experiments(venv, theirs.folder.path(), &theirs.door)?;
        let template = python(venv, theirs.folder.path(), &theirs.door, TEMPLATE, &[&searched])?;
        // The client says things before it.
        let template = template.lines().last().unwrap_or_default();
        let store = store.display().to_string();
        // The one that is copied is one of them.
        let rest = (runs - 1).to_string();
        python(venv, theirs.folder.path(), &[], FILL, &[&store, template, &rest])?;
        Ok(theirs)
    }

    /// A client of it.
    pub fn client(&self, venv: &Venv) -> Result<Client> {
        let (written, searched) = experiments(venv, self.folder.path(), &self.door)?;
        Client::start(venv, self.folder.path(), &self.door, &written, &searched)
    }
}

/// The ids of the experiments that are written to and searched.
fn experiments(venv: &Venv, folder: &Path, door: &[(&str, String)]) -> Result<(String, String)> {
    let told = python(venv, folder, door, EXPERIMENTS, &[])?;
    let mut ids = told.split_whitespace().map(str::to_owned);
    let (written, searched) = (ids.next(), ids.next());
    Ok((
        written.context("no experiment")?,
        searched.context("no experiment")?,
    ))
}

fn python(venv: &Venv, folder: &Path, door: &[(&str, String)], code: &str, words: &[&str]) -> Result<String> {
    let mut command = venv.command("python", folder)?;
    command
        .args(["-c", code])
        .args(words)
        .envs(door.iter().map(|(name, value)| (name, value)));
    shell::output(&mut command)
}
