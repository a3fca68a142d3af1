//! What the tests need on the machine: looked for, and installed when it is not there.

use std::process::Command;

use crate::repo::Repo;
use crate::shell;

/// Something that a bare Debian machine may not have.
struct Tool {
    name: &'static str,
    /// What is lost without it.
    without: &'static str,
    is_there: fn(&Repo) -> bool,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    Debian(&'static str),
    /// Packages of the Python index, into a folder of their own that other users can read.
    PythonIndex {
        packages: &'static [&'static str],
        folder: &'static str,
    },
    Rustup(&'static str),
}

const TOOLS: [Tool; 27] = [
    Tool {
        name: "rustfmt",
        without: "the step `format` is not run",
        is_there: |repo| shell::succeeds(repo.cargo().args(["fmt", "--version"])),
        source: Source::Rustup("rustfmt"),
    },
    Tool {
        name: "clippy",
        without: "the step `lint` is not run",
        is_there: |repo| shell::succeeds(repo.cargo().args(["clippy", "--version"])),
        source: Source::Rustup("clippy"),
    },
    Tool {
        name: "a C++ compiler",
        without: "the step `fuzz` is not run",
        is_there: |_| shell::found("c++") || shell::found("g++"),
        source: Source::Debian("g++"),
    },
    Tool {
        name: "git",
        without: "tests of a snapshot's commit fail",
        is_there: |_| shell::found("git"),
        source: Source::Debian("git"),
    },
    Tool {
        name: "openssl",
        without: "the test of web services with TLS fails",
        is_there: |_| shell::found("openssl"),
        source: Source::Debian("openssl"),
    },
    Tool {
        name: "curl",
        without: "the test of web services with TLS fails",
        is_there: |_| shell::found("curl"),
        source: Source::Debian("curl"),
    },
    Tool {
        name: "setsid",
        without: "no run can be started",
        is_there: |_| shell::found("setsid"),
        source: Source::Debian("util-linux"),
    },
    Tool {
        name: "python3",
        without: "the step `python` and tests that run Python fail",
        is_there: |_| shell::found("python3"),
        source: Source::Debian("python3"),
    },
    Tool {
        name: "venv of Python",
        without: "tests of environments that pip builds fail",
        is_there: |_| shell::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
        source: Source::Debian("python3-venv"),
    },
    Tool {
        name: "sshd",
        without: "tests over SSH, and of remote targets, are not run",
        // It lies in a folder that is not on everybody's PATH.
        is_there: |_| found_for_root("sshd"),
        source: Source::Debian("openssh-server"),
    },
    Tool {
        name: "ssh",
        without: "tests that use OpenSSH's own programs fail, as `ssh-keygen`",
        is_there: |_| shell::found("ssh"),
        source: Source::Debian("openssh-client"),
    },
    Tool {
        name: "rsync",
        without: "the bench `remote` cannot be measured",
        is_there: |_| shell::found("rsync"),
        source: Source::Debian("rsync"),
    },
    Tool {
        name: "fish",
        without: "machines with this login shell are not tested",
        is_there: |_| shell::found("fish"),
        source: Source::Debian("fish"),
    },
    Tool {
        name: "csh",
        without: "machines with this login shell are not tested",
        is_there: |_| shell::found("csh"),
        source: Source::Debian("csh"),
    },
    Tool {
        name: "busybox",
        without: "tests in containers are not run, nor those on a machine with few programs",
        is_there: |_| shell::found("busybox"),
        // Not `busybox-static`: that one finds its programs without a file for each, so no image would lack any.
        source: Source::Debian("busybox"),
    },
    Tool {
        name: "dockerd",
        without: "tests in containers are not run, unless an engine answers already",
        is_there: |_| found_for_root("dockerd") || std::path::Path::new("/var/run/docker.sock").exists(),
        source: Source::Debian("docker.io"),
    },
    Tool {
        name: "iproute2",
        without: "tests on a second host, whose link goes down, are not run",
        is_there: |_| found_for_root("ip") && found_for_root("tc"),
        source: Source::Debian("iproute2"),
    },
    Tool {
        name: "iptables",
        without: "a Docker engine that is started by hand has no network, and where the kernel has no `netem` the test with \
                  packet loss is not run",
        is_there: |_| found_for_root("iptables"),
        source: Source::Debian("iptables"),
    },
    Tool {
        name: "docker-registry",
        without: "tests that pull images are not run",
        is_there: |_| shell::found("docker-registry"),
        source: Source::Debian("docker-registry"),
    },
    Tool {
        name: "slurmctld",
        without: "tests on a Slurm cluster are not run",
        is_there: |_| found_for_root("slurmctld"),
        source: Source::Debian("slurmctld"),
    },
    Tool {
        name: "slurmd",
        without: "tests on a Slurm cluster are not run",
        is_there: |_| found_for_root("slurmd"),
        source: Source::Debian("slurmd"),
    },
    Tool {
        name: "sbatch",
        without: "tests on a Slurm cluster are not run",
        is_there: |_| shell::found("sbatch"),
        source: Source::Debian("slurm-client"),
    },
    Tool {
        name: "munged",
        without: "tests on a Slurm cluster are not run",
        is_there: |_| found_for_root("munged"),
        source: Source::Debian("munge"),
    },
    Tool {
        name: "java",
        without: "tests on Spark are not run",
        is_there: |_| shell::found("java"),
        source: Source::Debian("default-jre-headless"),
    },
    Tool {
        name: "pyspark",
        without: "tests on Spark are not run",
        is_there: |_| {
            shell::succeeds(Command::new(format!("{SPARK}/bin/python3")).args(["-c", "import pyspark"]))
        },
        source: Source::PythonIndex {
            packages: &["pyspark==3.5.*"],
            folder: SPARK,
        },
    },
    Tool {
        name: "azureml-inference-server-http",
        without: "answers of the scoring runtime are not compared with it",
        is_there: |_| {
            let look = "import azureml_inference_server_http, inference_schema";
            shell::succeeds(Command::new(format!("{SCORING}/bin/python3")).args(["-c", look]))
        },
        source: Source::PythonIndex {
            packages: &["azureml-inference-server-http==1.5.*", "inference-schema==1.8.*"],
            folder: SCORING,
        },
    },
    Tool {
        name: "a Python for notebooks",
        without: "notebooks, what needs pandas, and the comparison with MLflow's own store are not run",
        is_there: |_| {
            // Importing them takes seconds.
            let look = "import sys; from importlib.util import find_spec; \
                        sys.exit(not all(map(find_spec, 'nbclient ipykernel sklearn pandas matplotlib mlflow skops'.split())))";
            shell::succeeds(Command::new(format!("{NOTEBOOKS}/bin/python3")).args(["-c", look]))
        },
        source: Source::PythonIndex {
            packages: &[
                "nbclient==0.10.*",
                "ipykernel==6.*",
                "scikit-learn",
                "pandas",
                "matplotlib",
                "mlflow-skinny>=3,<4",
                // What `mlflow.sklearn` keeps models with.
                "skops",
            ],
            folder: NOTEBOOKS,
        },
    },
];

/// Where the tests look for Spark (`outhaul_testkit::spark::PLACE`).
const SPARK: &str = "/var/tmp/outhaul-test-spark";
/// Where the tests of the scoring runtime look for what it is compared with.
const SCORING: &str = "/var/tmp/outhaul-test-scoring";

/// Where the tests of notebooks look for a kernel (`python/tests/notebooks.py`).
const NOTEBOOKS: &str = "/var/tmp/outhaul-test-notebooks";

/// Whether a program is there that lies where root's programs lie.
fn found_for_root(program: &str) -> bool {
    shell::found(program)
        || ["/usr/sbin", "/sbin", "/usr/local/sbin"]
            .iter()
            .any(|folder| std::path::Path::new(folder).join(program).is_file())
}

/// Installs what is missing, and says for everything that stays missing what is lost by it.
pub fn install_what_is_missing(repo: &Repo) {
    for tool in &TOOLS {
        if (tool.is_there)(repo) {
            continue;
        }
        println!("{} is missing", tool.name);
        let tried = match tool.source {
            Source::Debian(package) => install_package(package),
            Source::Rustup(component) => install_component(component),
            Source::PythonIndex { packages, folder } => install_from_index(packages, folder),
        };
        match tried {
            Ok(()) if (tool.is_there)(repo) => println!("{} is installed", tool.name),
            Ok(()) => println!("{} is still not there: {}", tool.name, tool.without),
            Err(why) => println!("{} is not installed ({why}): {}", tool.name, tool.without),
        }
    }
    if !has_nextest(repo) {
        println!("`cargo nextest` is not installed: the tests run with `cargo test`");
    }
}

/// Whether the faster runner of tests is there.
pub fn has_nextest(repo: &Repo) -> bool {
    shell::succeeds(repo.cargo().args(["nextest", "--version"]))
}

fn install_package(package: &str) -> Result<(), String> {
    if !shell::found("apt-get") {
        return Err(format!("there is no apt-get; install `{package}` by hand"));
    }
    let is_root = shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root {
        return Err(format!("this needs root: apt-get install {package}"));
    }
    if apt(&["install", "--yes", "--no-install-recommends", package]).is_ok() {
        return Ok(());
    }
    // On a fresh machine the lists of packages are not there yet.
    apt(&["update"])?;
    apt(&["install", "--yes", "--no-install-recommends", package])
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut command = crate::repo::clean("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .arg("--quiet")
        .args(arguments);
    shell::run(&mut command).map_err(|error| error.to_string())
}

fn install_from_index(packages: &[&str], folder: &str) -> Result<(), String> {
    // Made beside its place and moved there, so that a broken download leaves nothing that looks whole.
    let made = format!("{folder}.new");
    let _ = std::fs::remove_dir_all(&made);
    let _ = std::fs::remove_dir_all(folder);
    let mut venv = Command::new("python3");
    let mut pip = Command::new(format!("{made}/bin/python3"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-cache-dir"])
        .args(packages);
    for command in [venv.args(["-m", "venv", "--copies", &made]), &mut pip] {
        shell::run(command).map_err(|error| error.to_string())?;
    }
    std::fs::rename(&made, folder).map_err(|error| error.to_string())
}

fn install_component(component: &str) -> Result<(), String> {
    if !shell::found("rustup") {
        return Err(format!(
            "there is no rustup; install `{component}` as this Rust was installed"
        ));
    }
    let mut command = crate::repo::clean("rustup");
    shell::run(command.args(["component", "add", component])).map_err(|error| error.to_string())
}
