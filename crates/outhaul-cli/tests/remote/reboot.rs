//! The machine is started anew while a run goes on.

use outhaul_testkit::process::{called_with, is_there, signal, until};
use outhaul_testkit::sshd::Setup;

use crate::support::{Remote, wait_for};

/// What a reboot leaves: no processes, and records of another boot.
#[test]
fn a_reboot_ends_a_run_with_its_reason() {
    let Some(remote) = Remote::attached(Setup::new(), &[]) else {
        return;
    };
    let home = &remote.home;
    let steps = remote.steps(0);
    let id = steps.submit(home, "box");
    let _ = steps.wait_for_start();
    let _ = wait_for(home, &id, "Running");
    // The server must not look in between.
    remote.proxy.stall();
    let folders = remote.run_folders();
    let folder = folders.iter().find(|path| path.join("process").exists()).unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    // The supervisor first: it would write the exit record.
    for record in ["supervisor", "process"] {
        let path = folder.join(record);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(boot.trim()), "{text}");
        let pid = text.split(' ').nth(1).unwrap().parse().unwrap();
        signal(pid, nix::sys::signal::Signal::SIGKILL);
        until("it is gone", || !is_there(pid));
        std::fs::write(
            &path,
            text.replace(boot.trim(), "00000000-0000-0000-0000-000000000000"),
        )
        .unwrap();
    }
    until("nothing of the run is left", || {
        called_with(&["train.py", "mark-0"]).is_empty()
    });
    remote.heal();
    let run = wait_for(home, &id, "Failed");
    let failure = &run["failure"];
    assert_eq!(failure["class"], "target", "{run:#}");
    assert!(
        failure["message"].as_str().unwrap().contains("host rebooted"),
        "{run:#}"
    );
    assert_eq!(steps.marks().len(), 1);
}
