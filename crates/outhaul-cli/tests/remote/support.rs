//! A data folder, a real SSH server and the link between them, and what is given to the machine to do.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use outhaul_testkit::flaky_proxy::FlakyProxy;
use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, eventually, until};
use outhaul_testkit::sshd::{Setup, Sshd};
use serde_json::Value;
use tokio::runtime::Runtime;

/// Appends a line to its mark, prints numbered lines and logs metrics until its gate is there, then leaves a file of all
/// bytes and tells how many lines there were.
const STEPS: &str = r#"
import os, sys, time
from outhaul.run import Run

mark, gate = sys.argv[1], sys.argv[2]
with open(mark, "a") as file:
    file.write(f"{os.getpid()}\n")
run = Run.get_context()
count = 0
while count < 20 or not os.path.exists(gate):
    sys.stdout.write(f"out {count}\n")
    sys.stderr.write(f"err {count}\n")
    sys.stdout.flush()
    if count % 10 == 0:
        run.log("loss", count * 2, step=count)
    count += 1
    time.sleep(0.01)
with open("outputs/model.bin", "wb") as file:
    file.write(bytes(range(256)) * 1000)
with open(mark + ".count", "w") as file:
    file.write(str(count))
"#;

/// A data folder of its own with the program of this build.
pub(crate) fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_outhaul"))
}

/// A data folder with a machine, reached through a link that can break.
pub(crate) struct Remote {
    pub(crate) home: Home,
    pub(crate) proxy: FlakyProxy,
    pub(crate) sshd: Sshd,
    runtime: Runtime,
}

impl Remote {
    /// `None` where there is no SSH server.
    pub(crate) fn start(setup: Setup) -> Option<Self> {
        let sshd = setup.start()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let proxy = runtime.block_on(FlakyProxy::start(sshd.address())).unwrap();
        make_marks(&sshd);
        let home = home();
        prepare(&home, &sshd);
        Some(Self {
            home,
            proxy,
            sshd,
            runtime,
        })
    }

    /// The usual machine, attached as `box`.
    pub(crate) fn attached(setup: Setup, more: &[&str]) -> Option<Self> {
        let remote = Self::start(setup)?;
        let _ = remote.attach("box", more).success();
        Some(remote)
    }

    /// Goes on with a new data folder; nothing of the old one is left here.
    pub(crate) fn renew_home(&mut self) {
        self.home = home();
        prepare(&self.home, &self.sshd);
    }

    /// Attaches the machine with its key.
    pub(crate) fn attach(&self, name: &str, more: &[&str]) -> Answer {
        attach(&self.home, &self.sshd, self.proxy.address(), name, more)
    }

    /// Attaches the machine with a locked key and its passphrase.
    pub(crate) fn attach_with_passphrase(&self, name: &str, key: &str, passphrase: &str) -> Answer {
        let mut command = where_it_is(&self.home, &self.sshd, self.proxy.address(), name);
        command.args(["--private-key-file", key, "--passphrase-stdin"]);
        with_input(command, passphrase)
    }

    /// Attaches the machine with a password.
    pub(crate) fn attach_with_password(&self, name: &str, password: &str, more: &[&str]) -> Answer {
        let mut command = where_it_is(&self.home, &self.sshd, self.proxy.address(), name);
        command.arg("--password-stdin").args(more);
        with_input(command, password)
    }

    /// Lets everything through again.
    pub(crate) fn heal(&self) {
        self.runtime.block_on(self.proxy.heal());
    }

    /// Refuses new connections.
    pub(crate) fn refuse(&self) {
        self.runtime.block_on(self.proxy.refuse());
    }

    /// A run of the script that goes on until it is let go.
    pub(crate) fn steps(&self, number: usize) -> Steps {
        Steps::of(&self.sshd, number)
    }

    /// Folders of runs that lie on the machine.
    pub(crate) fn run_folders(&self) -> Vec<PathBuf> {
        run_folders(&self.sshd)
    }

    /// What of ours lies in the person's home folder.
    pub(crate) fn ours(&self) -> Vec<PathBuf> {
        ours(&self.sshd)
    }
}

/// Folders of runs that lie on a machine.
pub(crate) fn run_folders(sshd: &Sshd) -> Vec<PathBuf> {
    ours(sshd).iter().flat_map(|ours| run_folders_in(ours)).collect()
}

/// Folders of runs that lie below this folder of ours.
pub(crate) fn run_folders_in(ours: &Path) -> Vec<PathBuf> {
    let inside = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    let runs = inside(ours).map(|root| root.path().join("runs"));
    runs.flat_map(|runs| inside(&runs).map(|entry| entry.path()).collect::<Vec<_>>())
        .collect()
}

/// What of ours lies in the home folder of a machine.
pub(crate) fn ours(sshd: &Sshd) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(sshd.home()).unwrap().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().contains(".outhaul"));
    paths
}

fn marks(sshd: &Sshd) -> PathBuf {
    sshd.folder().join("marks")
}

/// Makes the folder on a machine in which scripts leave their marks.
pub(crate) fn make_marks(sshd: &Sshd) {
    let marks = marks(sshd);
    std::fs::create_dir(&marks).unwrap();
    std::fs::set_permissions(&marks, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// Writes the scripts and the key into a data folder's work folder.
pub(crate) fn prepare(home: &Home, sshd: &Sshd) {
    home.write("steps/train.py", STEPS);
    let key = home.write("key", sshd.client_key());
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn where_it_is(home: &Home, sshd: &Sshd, at: SocketAddr, name: &str) -> Command {
    let mut command = home.command(["target", "attach", "remote", name]);
    command
        .args([
            "--address",
            &at.ip().to_string(),
            "--port",
            &at.port().to_string(),
            "--username",
            sshd.username(),
            "--yes",
        ])
        // Neither the keys nor the known hosts of whoever runs the test.
        .env("HOME", home.work())
        .env_remove("SSH_AUTH_SOCK");
    command
}

/// Attaches a machine at an address with its key.
pub(crate) fn attach(home: &Home, sshd: &Sshd, at: SocketAddr, name: &str, more: &[&str]) -> Answer {
    let mut command = where_it_is(home, sshd, at, name);
    command.args(["--private-key-file", "key"]).args(more);
    Answer::of(command)
}

/// Runs a command to its end, with something to read.
fn with_input(mut command: Command, text: &str) -> Answer {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    command.stdin(Stdio::from(file));
    Answer::of(command)
}

/// One run of the script.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    number: usize,
    mark: PathBuf,
    gate: PathBuf,
}

impl Steps {
    pub(crate) fn of(sshd: &Sshd, number: usize) -> Self {
        Self {
            number,
            mark: marks(sshd).join(format!("mark-{number}")),
            gate: marks(sshd).join(format!("gate-{number}")),
        }
    }

    /// Submits the script and gives the run's id.
    pub(crate) fn submit(&self, home: &Home, target: &str) -> String {
        let name = format!("steps-{}", self.number);
        let mut command = home.command(["run", "--target", target, "--name", &name, "--detach"]);
        command
            .arg("steps/train.py")
            .arg("--")
            .args([&self.mark, &self.gate]);
        Answer::of(command).success().text().to_owned()
    }

    /// Lets the script end.
    pub(crate) fn go_on(&self) {
        std::fs::write(&self.gate, "").unwrap();
    }

    /// Pids that the script appended: one for each time that it was started.
    pub(crate) fn marks(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(&self.mark).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Waits until the script says that it has been started.
    pub(crate) fn wait_for_start(&self) -> u32 {
        eventually("the script is started", || self.marks().first().copied())
    }

    /// How many lines the script wrote to each stream, once it has ended.
    fn count(&self) -> usize {
        let path = self.mark.with_file_name(format!("mark-{}.count", self.number));
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    }

    /// All that the script wrote to the stream whose lines begin with this word, once it has ended.
    pub(crate) fn said(&self, word: &str) -> String {
        (0..self.count()).map(|line| format!("{word} {line}\n")).collect()
    }

    /// Waits for the end and checks all that must hold of the run.
    pub(crate) fn check(&self, home: &Home, id: &str) {
        let run = wait_for(home, id, "Completed");
        assert_eq!(self.marks().len(), 1, "started {:?}: {run:#}", self.marks());
        let count = self.count();
        for (stream, word) in [("stdout", "out"), ("stderr", "err")] {
            let expected = self.said(word);
            let log = home.call(["runs", "logs", id, "--stream", stream]).success();
            assert!(
                log.stdout == expected.as_bytes(),
                "{stream}: {} bytes and not {}",
                log.stdout.len(),
                expected.len()
            );
        }
        let metrics = home.json(["runs", "metrics", id]);
        let found: Vec<_> = metrics
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| (metric["step"].clone(), metric["value"].clone()))
            .collect();
        let expected: Vec<_> = (0..count)
            .step_by(10)
            .map(|step| (Value::from(step), Value::from(step * 2)))
            .collect();
        assert_eq!(found, expected);
        let folder = download(home, id);
        let model = std::fs::read(folder.join("outputs/model.bin")).unwrap();
        let expected: Vec<u8> = (0..=255).cycle().take(256_000).collect();
        assert!(model == expected, "the output differs");
    }
}

/// Downloads a run's outputs into a folder of their own.
pub(crate) fn download(home: &Home, id: &str) -> PathBuf {
    let folder = home.work().join(format!("outputs-of-{id}"));
    let _ = home
        .call([
            Path::new("runs"),
            Path::new("outputs"),
            Path::new(id),
            Path::new("--download"),
            &folder,
        ])
        .success();
    folder
}

/// Submits a script that leaves so many bytes of chance as its output, and gives the run's id.
pub(crate) fn submit_large(home: &Home, target: &str, bytes: usize) -> String {
    let script = format!(
        "import random\nopen('outputs/large', 'wb').write(random.Random(7).randbytes({bytes}))\nprint('done')\n"
    );
    home.write("large/train.py", &script);
    let run = home.call(["run", "--target", target, "--detach", "large/train.py"]);
    run.success().text().to_owned()
}

/// Downloads the output of such a run and sees that it is what the script left.
pub(crate) fn check_large(home: &Home, id: &str, bytes: usize) {
    let found = download(home, id).join("outputs/large");
    let mut command = Command::new("python3");
    command.arg("-c").arg(format!(
        "import random, sys; sys.stdout.buffer.write(random.Random(7).randbytes({bytes}))"
    ));
    let expected = Answer::of(command).success().stdout;
    assert!(std::fs::read(found).unwrap() == expected, "the output differs");
}

/// How many bytes of standard output have been read.
pub(crate) fn heard(home: &Home, id: &str) -> usize {
    let log = home.call(["runs", "logs", id, "--stream", "stdout"]);
    log.success().stdout.len()
}

/// Waits until more of the log has come.
pub(crate) fn wait_for_more(home: &Home, id: &str) {
    let before = heard(home, id);
    until("more of the log has come", || heard(home, id) > before);
}

/// Waits until the server says that it has no contact, and sees that it takes this for no end of the run.
pub(crate) fn wait_for_lost_contact(home: &Home, id: &str) -> Value {
    eventually("the lost contact shows", || {
        let run = home.json(["runs", "show", id]);
        assert_eq!(run["state"], "Running", "{run:#}");
        (run["contact_lost"] != Value::Null).then_some(run)
    })
}

/// Waits until a run is in a state, and sees that it does not end in another one before.
pub(crate) fn wait_for(home: &Home, id: &str, state: &str) -> Value {
    eventually(&format!("the run is {state}"), || {
        let run = home.json(["runs", "show", id]);
        let ended = ["Completed", "Failed", "Canceled"].contains(&run["state"].as_str().unwrap());
        assert!(!ended || run["state"] == state, "{run:#}");
        (run["state"] == state).then_some(run)
    })
}

/// Runs a line of shell on a target, and gives what the command left.
pub(crate) fn shell(home: &Home, target: &str, line: &str) -> Answer {
    let mut command = home.command(["run", "--target", target, "--source", "steps", "--"]);
    command.args(["sh", "-c", line]);
    Answer::of(command)
}
