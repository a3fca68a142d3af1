//! The server dies between starting a supervisor and hearing from it: the one moment that no named step can stop at,
//! because the other process goes on. A `setsid` that waits before it begins holds the other process there.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, is_there, until};

use crate::work::{Work, assert_never_started, wait, wait_for_no_leftovers};

/// Holds what a server starts whose `PATH` begins with the folder of this.
struct Gate {
    folder: PathBuf,
}

/// Who is held at the gate, by the word that the supervisor's script is called with.
const SUPERVISOR: &str = "supervise";
const PROCESS: &str = "process";

impl Gate {
    fn new(home: &Home, who: &str) -> Self {
        let folder = home.work().join("gate");
        let script = format!(
            r#"#!/bin/sh
setsid=$(PATH="${{PATH#*:}}" command -v setsid)
if [ "$3" = {who} ]; then
    PATH="${{PATH#*:}}"
    echo $$ > '{gate}/waiting'
    while [ ! -e '{gate}/open' ]; do sleep 0.01; done
fi
exec "$setsid" "$@"
"#,
            gate = folder.display()
        );
        let program = home.write("gate/setsid", &script);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Starts a server that meets the gate.
    fn server(&self, home: &Home) {
        let mut path: OsString = self.folder.clone().into();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let _ = home.start_server(&[("PATH", &path)]);
    }

    /// Waits until somebody is at the gate, and gives its pid.
    fn waiting(&self) -> u32 {
        let mut pid = None;
        until("somebody is at the gate", || {
            let text = std::fs::read_to_string(self.folder.join("waiting")).unwrap_or_default();
            pid = text.strip_suffix('\n').and_then(|pid| pid.parse().ok());
            pid.is_some()
        });
        pid.unwrap()
    }

    fn open(&self) {
        std::fs::write(self.folder.join("open"), "").unwrap();
    }
}

/// A run whose supervisor waits at the gate, and whose server is dead.
fn held() -> (Home, Gate, Work, String, u32) {
    let home = crate::home();
    Work::write_scripts(&home);
    let gate = Gate::new(&home, SUPERVISOR);
    gate.server(&home);
    let work = Work::held(&home, 0);
    let id = work.submit(&home);
    let supervisor = gate.waiting();
    (home, gate, work, id, supervisor)
}

/// Nobody is there to hear that the supervisor has claimed the run: it works on all the same.
pub(crate) fn answer_lost() {
    let (home, gate, work, id, supervisor) = held();
    home.kill_server();
    work.go_on();
    gate.open();
    let claim = home.data().join(format!("targets/local/runs/{id}-1/claim"));
    until("the supervisor claims the run", || claim.exists());
    until("the supervisor ends", || !is_there(supervisor));
    let _ = wait(&home, std::slice::from_ref(&id)).success();
    work.check(&home, &id);
    wait_for_no_leftovers(&home);
}

/// The next server launches the run again, and then the first supervisor comes late: in the middle of the run, or
/// when all is over.
pub(crate) fn two_supervisors(all_is_over: bool) {
    let (home, gate, work, id, supervisor) = held();
    home.kill_server();
    home.start_server(&[]);
    until("the next server starts the run", || work.marks().len() == 1);
    let end = || {
        work.go_on();
        let _ = wait(&home, std::slice::from_ref(&id)).success();
        wait_for_run_directories(&home);
    };
    if all_is_over {
        end();
    }
    gate.open();
    until("the late supervisor ends", || {
        assert_eq!(work.marks().len(), 1, "the late supervisor started the run again");
        !is_there(supervisor)
    });
    if !all_is_over {
        end();
    }
    work.check(&home, &id);
    wait_for_no_leftovers(&home);
}

/// The run is canceled while nobody knows whether it was launched; the supervisor comes after that, and may find the
/// run's directory.
pub(crate) fn canceled_before_the_claim(directory_is_left: bool) {
    let (home, gate, work, id, supervisor) = held();
    let _ = home.call(["runs", "cancel", &id]).success();
    home.kill_server();
    if directory_is_left {
        // The next server cancels the run, and dies before it removes the directory.
        let mut command = home.command(["target", "list"]);
        command.env("OUTHAUL_FAILPOINT", OsStr::new("release.before"));
        let _ = Answer::of(command);
        until("the second server dies", || home.server_processes().is_empty());
        assert_eq!(home.run_directories(), [format!("{id}-1")]);
    } else {
        let _ = wait(&home, std::slice::from_ref(&id));
        wait_for_run_directories(&home);
    }
    gate.open();
    until("the late supervisor ends", || !is_there(supervisor));
    assert_eq!(home.json(["runs", "show", &id])["state"], "Canceled");
    assert_never_started("a canceled run", &work.mark);
    wait_for_no_leftovers(&home);
}

/// The same, but the supervisor is through before the next server looks: the run was started, and is ended.
pub(crate) fn canceled_after_the_claim() {
    let (home, gate, work, id, supervisor) = held();
    let _ = home.call(["runs", "cancel", &id]).success();
    home.kill_server();
    gate.open();
    let claim = home.data().join(format!("targets/local/runs/{id}-1/claim"));
    until("the supervisor claims the run", || claim.exists());
    let _ = wait(&home, std::slice::from_ref(&id));
    assert_eq!(home.json(["runs", "show", &id])["state"], "Canceled");
    assert!(work.marks().len() <= 1, "started {:?}", work.marks());
    until("the supervisor ends", || !is_there(supervisor));
    wait_for_no_leftovers(&home);
}

/// The run is canceled when its supervisor is there and its process is not yet, so that no signal can reach it.
pub(crate) fn canceled_before_the_process() {
    let home = crate::home();
    Work::write_scripts(&home);
    let gate = Gate::new(&home, PROCESS);
    gate.server(&home);
    let work = Work::held(&home, 0);
    let id = work.submit(&home);
    let _ = gate.waiting();
    let _ = home.call(["runs", "cancel", &id]).success();
    let mark = home.data().join(format!("targets/local/runs/{id}-1/cancel"));
    until("the request to end is there", || mark.exists());
    gate.open();
    let _ = wait(&home, std::slice::from_ref(&id));
    assert_eq!(home.json(["runs", "show", &id])["state"], "Canceled");
    assert_never_started("a canceled run", &work.mark);
    wait_for_no_leftovers(&home);
}

fn wait_for_run_directories(home: &Home) {
    until("the run directory is removed", || {
        home.run_directories().is_empty()
    });
}
