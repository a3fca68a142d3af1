//! A cluster whose login host is this machine: no SSH server takes part.

use std::path::PathBuf;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, eventually, until};
use outhaul_testkit::slurm::Cluster;
use serde_json::Value;

/// A data folder with a cluster, attached as `hpc` through this machine.
pub(crate) struct Here {
    pub(crate) home: Home,
    pub(crate) cluster: Cluster,
}

impl Here {
    pub(crate) fn new() -> Option<Self> {
        Some(Self::on(Cluster::start()?))
    }

    pub(crate) fn on(cluster: Cluster) -> Self {
        let home = Home::new(env!("CARGO_BIN_EXE_outhaul")).with("SLURM_CONF", cluster.conf());
        Self { home, cluster }
    }

    pub(crate) fn attach(&self, name: &str, more: &[&str]) -> Answer {
        let mut command = self.home.command(["target", "attach", "slurm", name, "--local"]);
        command.args(more).env_remove("SSH_AUTH_SOCK");
        Answer::of(command)
    }

    pub(crate) fn attached() -> Option<Self> {
        let here = Self::new()?;
        let _ = here.attach("hpc", &[]).success();
        Some(here)
    }

    /// The folder of the target's attachments in the data folder.
    fn folders(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.home.data().join("targets")).unwrap();
        let all = entries.map(|entry| entry.unwrap().path());
        all.filter(|path| path.file_name().is_some_and(|name| name != "local"))
            .collect()
    }

    /// Submits a shell text, and gives the run's id.
    pub(crate) fn submit(&self, shell: &str) -> String {
        let words = [
            "run", "--target", "hpc", "--detach", "--memory", "100M", "--", "sh", "-c", shell,
        ];
        self.home.call(words).success().text().to_owned()
    }

    pub(crate) fn run(&self, id: &str) -> Value {
        self.home.json(["runs", "show", id])
    }

    /// Waits until a run is in a state; one that ended otherwise is an error.
    pub(crate) fn wait_for(&self, id: &str, state: &str) -> Value {
        eventually(&format!("the run is {state}"), || {
            let run = self.run(id);
            let ended = ["Completed", "Failed", "Canceled"].contains(&run["state"].as_str().unwrap());
            assert!(
                !ended || run["state"] == state,
                "{run:#}\n{}",
                self.home.server_log()
            );
            (run["state"] == state).then_some(run)
        })
    }

    pub(crate) fn log(&self, id: &str) -> String {
        let answer = self
            .home
            .call(["runs", "logs", id, "--stream", "stdout"])
            .success();
        answer.text().to_owned()
    }

    /// What a command says to its person.
    pub(crate) fn said(answer: &Answer) -> String {
        String::from_utf8_lossy(&answer.stderr).into_owned()
    }

    /// Waits until the scheduler has no job that has not ended.
    pub(crate) fn no_job_is_left(&self) {
        until("no job is left", || {
            self.cluster.ask(&["squeue", "-h"]).is_empty()
        });
    }
}

#[test]
fn this_machine_is_the_login_host() {
    let Some(here) = Here::attached() else { return };
    let target = here.home.json(["target", "show", "hpc"]);
    assert_eq!(
        (&target["kind"], &target["address"], &target["slots"]),
        (&"slurm".into(), &"this machine".into(), &1000.into()),
        "{target:#}"
    );

    let id = here.submit("echo on $SLURMD_NODENAME; echo kept > outputs/file; exit 3");
    let run = here.wait_for(&id, "Failed");
    assert_eq!(run["exit"]["code"], 3, "{run:#}");
    assert!(
        run["native_id"].as_str().unwrap().starts_with("slurm:"),
        "{run:#}"
    );
    let said = here.log(&id);
    assert!(["on n1", "on n2"].contains(&said.trim()), "{said}");
    let outputs = here.home.json(["runs", "outputs", &id]);
    assert_eq!(outputs[0]["path"], "outputs/file", "{outputs:#}");

    let id = here.submit("exec sleep 1000");
    let _ = here.wait_for(&id, "Running");
    // The next server takes it up again.
    let _ = here.home.kill_server();
    let _ = here.home.call(["runs", "cancel", &id]).success();
    let _ = here.wait_for(&id, "Canceled");
    here.no_job_is_left();

    // The same cluster a second time.
    let answer = here.attach("again", &[]);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(!answer.is_success() && said.contains("as `hpc`"), "{answer}");

    let folders = here.folders();
    assert!(!folders.is_empty());
    let _ = here.home.call(["target", "detach", "hpc"]).success();
    assert_eq!(here.folders(), Vec::<PathBuf>::new());
}

#[test]
fn the_folder_may_be_elsewhere_and_goes_with_the_target() {
    let Some(here) = Here::new() else { return };
    let shared = here.home.work().join("shared");
    let _ = here
        .attach("hpc", &["--folder", shared.to_str().unwrap(), "--slots", "2"])
        .success();
    let target = here.home.json(["target", "show", "hpc"]);
    assert_eq!(target["slots"], 2, "{target:#}");
    let id = here.submit("pwd; python3 -c 'import outhaul; print(outhaul.__file__)'");
    let _ = here.wait_for(&id, "Completed");
    let said = here.log(&id);
    let inside = |line: &str| line.starts_with(shared.to_str().unwrap());
    assert!(said.lines().count() == 2 && said.lines().all(inside), "{said}");
    let _ = here.home.call(["target", "detach", "hpc"]).success();
    assert!(!shared.exists());
}

#[test]
fn this_machine_is_not_reached_over_ssh() {
    let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
    for options in [
        &["--address", "login"][..],
        &["--ssh-config", "hpc"],
        &["--username", "me"],
        &["--port", "22"],
        &["--agent"],
        &["--host-key", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
        &["--packages", "ship"],
    ] {
        let answer = home.call(
            ["target", "attach", "slurm", "hpc", "--local"]
                .iter()
                .chain(options),
        );
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert_eq!(answer.code, Some(2), "{answer}");
        assert!(said.contains("--local") && said.contains(options[0]), "{answer}");
    }
    let answer = home.call(["target", "attach", "slurm", "hpc"]);
    assert_eq!(answer.code, Some(2), "{answer}");
    // Nothing was started for any of these.
    assert!(!home.data().exists());
}
