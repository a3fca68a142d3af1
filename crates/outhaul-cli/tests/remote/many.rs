//! Many runs at once over one connection.

use std::sync::atomic::{AtomicUsize, Ordering};

use outhaul_testkit::process::Answer;
use outhaul_testkit::random;
use outhaul_testkit::sshd::Setup;

use crate::support::{Remote, wait_for};

#[test]
fn many_runs_share_one_connection() {
    let Some(remote) = Remote::attached(Setup::new(), &["--slots", "200"]) else {
        return;
    };
    let home = &remote.home;
    let count = if random::full() { 200 } else { 60 };
    home.write(
        "small/train.py",
        "import sys\nopen(sys.argv[1], 'a').write('started\\n')\nprint(sys.argv[2])\n",
    );
    let before = remote.proxy.accepted();
    let next = AtomicUsize::new(0);
    let ids = std::sync::Mutex::new(Vec::new());
    let marks = remote.sshd.folder().join("marks");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= count {
                        return;
                    }
                    let mut command =
                        home.command(["run", "--target", "box", "--detach", "small/train.py", "--"]);
                    command
                        .arg(marks.join(format!("many-{number}")))
                        .arg(number.to_string());
                    let id = Answer::of(command).success().text().to_owned();
                    ids.lock().unwrap().push((number, id));
                }
            });
        }
    });
    for (number, id) in ids.into_inner().unwrap() {
        let _ = wait_for(home, &id, "Completed");
        let log = home.call(["runs", "logs", &id, "--stream", "stdout"]).success();
        assert_eq!(log.text(), number.to_string());
        let mark = std::fs::read_to_string(marks.join(format!("many-{number}"))).unwrap();
        assert_eq!(mark, "started\n", "{number}");
    }
    let connections = remote.proxy.accepted() - before;
    assert!(connections <= 1, "{connections} connections");
}
