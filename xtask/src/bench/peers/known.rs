//! Which other launchers of runs are measured, and how each is told to run `hi.py`.

/// Another launcher of runs.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// What is installed.
    pub packages: &'static [&'static str],
    /// Files that it needs beside `hi.py`.
    pub files: &'static [(&'static str, &'static str)],
    /// Its program and arguments; `PYTHON` stands for the interpreter of its environment.
    pub run: &'static [&'static str],
    /// A service that must run before, and how to see that it does.
    pub service: Option<Service>,
}

/// A service that a peer needs.
pub struct Service {
    /// How it is started; it ends with a signal.
    pub start: &'static [&'static str],
    /// What succeeds once it is up.
    pub is_up: &'static [&'static str],
}

const FLOW: &str = "from metaflow import FlowSpec, step


class Hi(FlowSpec):
    @step
    def start(self):
        print(\"hi\")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == \"__main__\":
    Hi()
";

const SUBMITIT: &str = "import subprocess
import sys

import submitit

executor = submitit.AutoExecutor(folder=\"submitit\", cluster=\"local\")
executor.update_parameters(timeout_min=2)
executor.submit(subprocess.check_call, [sys.executable, \"hi.py\"]).result()
";

/// All of them.
pub const PEERS: [Peer; 5] = [
    Peer {
        name: "MLflow `run`",
        packages: &["mlflow"],
        files: &[(
            "MLproject",
            "name: hi\nentry_points:\n  main:\n    command: python hi.py\n",
        )],
        run: &["mlflow", "run", "--env-manager=local", "."],
        service: None,
    },
    Peer {
        name: "Metaflow",
        packages: &["metaflow", "setuptools<81"],
        files: &[("flow.py", FLOW)],
        run: &["PYTHON", "flow.py", "--quiet", "run"],
        service: None,
    },
    Peer {
        name: "TorchX `local_cwd`",
        packages: &["torchx", "setuptools<81"],
        files: &[],
        run: &[
            "torchx",
            "run",
            "--scheduler",
            "local_cwd",
            "--wait",
            "utils.python",
            "--script",
            "hi.py",
        ],
        service: None,
    },
    Peer {
        name: "submitit",
        packages: &["submitit"],
        files: &[("submit.py", SUBMITIT)],
        run: &["PYTHON", "submit.py"],
        service: None,
    },
    Peer {
        name: "`ray job submit`",
        packages: &["ray[default]"],
        files: &[],
        run: &[
            "ray",
            "job",
            "submit",
            "--address",
            "http://127.0.0.1:28265",
            "--",
            "python",
            "hi.py",
        ],
        service: Some(Service {
            start: &[
                "ray",
                "start",
                "--head",
                "--block",
                "--port=26379",
                "--dashboard-host=127.0.0.1",
                "--dashboard-port=28265",
                "--node-ip-address=127.0.0.1",
                "--disable-usage-stats",
            ],
            is_up: &["ray", "job", "list", "--address", "http://127.0.0.1:28265"],
        }),
    },
];
