//! What the killed servers are given to do, and what must hold of it afterwards.

use std::path::{Path, PathBuf};

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, is_there, until};
use serde_json::Value;

/// Steps of the script, each with a metric.
const STEPS: usize = 50;
/// Lines of each stream and step.
const LINES: usize = 60;

/// Appends a line to a file of its own, then prints, logs metrics, and writes a file. Leaves a child run open.
const SCRIPT: &str = r#"
import os, sys, time
from outhaul.run import Run

mark, number, pause, gate = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
with open(mark, "a") as file:
    file.write(f"{os.getpid()}\n")
run = Run.get_context()
run.child_run("child").log("depth", 1)
for step in range(50):
    for line in range(60):
        sys.stdout.write(f"{number} out {step} {line}\n")
        sys.stderr.write(f"{number} err {step} {line}\n")
    sys.stdout.flush()
    run.log("loss", step * 2, step=step)
    time.sleep(pause)
    while step == 25 and not os.path.exists(gate):
        time.sleep(0.01)
with open("outputs/model.txt", "w") as file:
    file.write(f"model {number}\n" * 1000)
"#;

/// Tells that it is there, then works on without end, with a child.
const ENDLESS: &str = r#"
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "1000"])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {child.pid}\n")
while True:
    time.sleep(1000)
"#;

/// One run of a script in some data folder, by a number of its own.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) number: usize,
    pub(crate) name: String,
    /// The file that the script appends a line to.
    pub(crate) mark: PathBuf,
    pause: String,
    /// The script goes on from its middle when this is there.
    gate: PathBuf,
}

impl Work {
    /// `pause` is what the script waits in each of its 50 steps, in seconds.
    pub(crate) fn new(home: &Home, number: usize, pause: f64) -> Self {
        let mark = home.work().join(format!("mark-{number}"));
        Self {
            number,
            name: format!("work-{number}"),
            mark,
            pause: pause.to_string(),
            gate: "/".into(),
        }
    }

    /// A script that waits in its middle until [`Work::go_on`].
    pub(crate) fn held(home: &Home, number: usize) -> Self {
        let gate = home.work().join(format!("go-on-{number}"));
        Self {
            gate,
            ..Self::new(home, number, 0.0)
        }
    }

    /// Lets a held script go on.
    pub(crate) fn go_on(&self) {
        std::fs::write(&self.gate, "").unwrap();
    }

    /// Writes the scripts, once for a data folder.
    pub(crate) fn write_scripts(home: &Home) {
        home.write("steps/train.py", SCRIPT);
        home.write("endless/train.py", ENDLESS);
    }

    /// The arguments of `outhaul` that run the script; `more` stands before the script.
    pub(crate) fn arguments(&self, more: &[&str]) -> Vec<String> {
        self.of_script("steps/train.py", more)
    }

    /// The same for the script that does not end.
    pub(crate) fn endless(&self, more: &[&str]) -> Vec<String> {
        self.of_script("endless/train.py", more)
    }

    fn of_script(&self, script: &str, more: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = vec!["run".into(), "--name".into(), self.name.clone()];
        all.extend(more.iter().map(ToString::to_string));
        all.extend([
            script.to_owned(),
            "--".to_owned(),
            self.mark.display().to_string(),
        ]);
        all.extend([
            self.number.to_string(),
            self.pause.clone(),
            self.gate.display().to_string(),
        ]);
        all
    }

    /// Submits the script and gives the run's id.
    pub(crate) fn submit(&self, home: &Home) -> String {
        home.call(self.arguments(&["--detach"]))
            .success()
            .text()
            .to_owned()
    }

    /// The lines that the script appended: one for each time that it was started.
    pub(crate) fn marks(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.mark).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Pids of the process and its child, once the endless script has told them.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(&self.mark).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    fn stream(&self, name: &str) -> Vec<u8> {
        let line =
            |step: usize| (0..LINES).map(move |line| format!("{} {name} {step} {line}\n", self.number));
        (0..STEPS).flat_map(line).collect::<String>().into_bytes()
    }

    /// Checks all that must hold of a run of the script that has ended well.
    pub(crate) fn check(&self, home: &Home, id: &str) {
        let what = format!("{} ({id})", self.name);
        let run = home.json(["runs", "show", id]);
        assert_eq!(run["state"], "Completed", "{what}: {run:#}");
        assert_eq!(self.marks().len(), 1, "{what} was started {:?}", self.marks());
        for (name, expected) in [("stdout", self.stream("out")), ("stderr", self.stream("err"))] {
            let log = home.call(["runs", "logs", id, "--stream", name]).success().stdout;
            assert_same(&format!("{name} of {what}"), &log, &expected);
        }
        let metrics = home.json(["runs", "metrics", id]);
        let numbers: Vec<_> = metrics
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (&it["step"], &it["value"]))
            .collect();
        let expected: Vec<_> = (0..STEPS)
            .map(|step| (Value::from(step), Value::from(step * 2)))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(step, value)| (step, value)).collect();
        assert_eq!(numbers, expected, "metrics of {what}");
        let folder = home.work().join(format!("outputs-of-{id}"));
        let folder_text = folder.display().to_string();
        let _ = home
            .call(["runs", "outputs", id, "--download", &folder_text])
            .success();
        let model = std::fs::read_to_string(folder.join("outputs/model.txt"))
            .unwrap_or_else(|error| panic!("the output of {what}: {error}"));
        assert_eq!(
            model,
            format!("model {}\n", self.number).repeat(1000),
            "output of {what}"
        );
        // It ends a moment after its parent.
        until(
            &format!("the child of {what} has ended as its parent has"),
            || {
                let children = home.json(["runs", "list", "--parent", id]);
                let children = children.as_array().unwrap();
                assert_eq!(children.len(), 1, "children of {what}: {children:?}");
                children[0]["state"] == "Completed"
            },
        );
    }
}

/// Like `assert_eq`, but shows where two long texts differ rather than both of them.
pub(crate) fn assert_same(what: &str, found: &[u8], expected: &[u8]) {
    if found != expected {
        let at = found
            .iter()
            .zip(expected)
            .take_while(|(one, other)| one == other)
            .count();
        let near = |bytes: &[u8]| String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 80)]).into_owned();
        panic!(
            "{what}: {} bytes and not {}; from byte {at} on: {:?} and not {:?}",
            found.len(),
            expected.len(),
            near(found),
            near(expected)
        );
    }
}

/// Waits for the end of runs, however it looks.
pub(crate) fn wait(home: &Home, ids: &[String]) -> Answer {
    let words = ["runs", "wait"].into_iter().chain(ids.iter().map(String::as_str));
    home.call(words)
}

/// All runs by name; no name may stand there twice.
pub(crate) fn runs_by_name(home: &Home) -> std::collections::BTreeMap<String, Value> {
    let list = home.json(["runs", "list", "--limit", "0"]);
    let mut runs = std::collections::BTreeMap::new();
    for run in list.as_array().unwrap() {
        let name = run["name"].as_str().unwrap().to_owned();
        assert!(
            runs.insert(name.clone(), run.clone()).is_none(),
            "`{name}` was submitted once and is there twice"
        );
    }
    runs
}

/// Waits until nothing of the runs is left on the target: no folder and no process.
pub(crate) fn wait_for_no_leftovers(home: &Home) {
    until("the run directories are removed", || {
        home.run_directories().is_empty()
    });
    until("the processes of the runs are gone", || {
        home.run_processes().is_empty()
    });
}

/// Checks that processes are gone.
pub(crate) fn wait_until_gone(what: &str, pids: &[u32]) {
    until(&format!("the processes {pids:?} of {what} are gone"), || {
        !pids.iter().any(|pid| is_there(*pid))
    });
}

/// The script's file of a run that must not have been started.
pub(crate) fn assert_never_started(what: &str, mark: &Path) {
    assert!(
        !mark.exists(),
        "{what} was started: {:?}",
        std::fs::read_to_string(mark)
    );
}
