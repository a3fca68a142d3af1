//! The table of options: which are known, which are refused and why. Pure.

/// An option that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Volume,
    Network,
    Memory,
    Cpus,
    Env,
    Ipc,
    CapAdd,
    ShmSize,
    Gpus,
    Ulimit,
    Device,
    Hostname,
    AddHost,
}

/// Known options by all their names.
pub(super) const KNOWN: [(&str, Known); 19] = [
    ("--volume", Known::Volume),
    ("-v", Known::Volume),
    ("--network", Known::Network),
    ("--net", Known::Network),
    ("--memory", Known::Memory),
    ("-m", Known::Memory),
    ("--cpus", Known::Cpus),
    ("--env", Known::Env),
    ("-e", Known::Env),
    ("--ipc", Known::Ipc),
    ("--cap-add", Known::CapAdd),
    ("--shm-size", Known::ShmSize),
    ("--gpus", Known::Gpus),
    ("--ulimit", Known::Ulimit),
    ("--device", Known::Device),
    ("--hostname", Known::Hostname),
    ("-h", Known::Hostname),
    ("--add-host", Known::AddHost),
    // The spelling of `docker build` and of older scripts.
    ("--shm_size", Known::ShmSize),
];

const OWN: &str = "Outhaul sets it itself";

/// Options of `docker run` that are refused: the names, whether a value follows, the reason, and what to do instead.
pub(super) const REFUSED: [(&[&str], bool, &str, &str); 22] = [
    (&["--name"], true, OWN, "the container is named by the run"),
    (
        &["--rm"],
        false,
        OWN,
        "the container is removed when the run has been brought in",
    ),
    (
        &["--detach", "-d"],
        false,
        OWN,
        "a run is always in the background; leave it out",
    ),
    (
        &["--entrypoint"],
        true,
        OWN,
        "name the command of the run instead",
    ),
    (
        &["--user", "-u"],
        true,
        OWN,
        "files of the run must belong to the user of the target; leave it out",
    ),
    (
        &["--workdir", "-w"],
        true,
        OWN,
        "a run works in its code folder; change folder in the command",
    ),
    (
        &["--interactive", "-i"],
        false,
        "a run has no terminal and no standard input",
        "leave it out",
    ),
    (&["--tty", "-t"], false, "a run has no terminal", "leave it out"),
    (
        &["-it", "-ti", "-dit", "-itd"],
        false,
        "a run has no terminal and no standard input",
        "leave it out",
    ),
    (
        &["--init"],
        false,
        OWN,
        "a run has an init process already; leave it out",
    ),
    (
        &["--restart"],
        true,
        "a run is never started twice",
        "leave it out",
    ),
    (
        &["--label", "-l", "--label-file"],
        true,
        OWN,
        "tag the run instead",
    ),
    (
        &["--log-driver", "--log-opt"],
        true,
        "logs are written into the run directory",
        "leave it out",
    ),
    (
        &["--stop-signal", "--stop-timeout"],
        true,
        OWN,
        "a run is asked to end by SIGTERM",
    ),
    (
        &["--pid"],
        true,
        "what a run leaves running must end with it",
        "leave it out",
    ),
    (
        &["--privileged"],
        false,
        "it gives the run the whole machine",
        "use `--cap-add` or `--device`",
    ),
    (
        &["--env-file"],
        true,
        "the file may not be where the engine is",
        "use `--env NAME=VALUE`",
    ),
    (&["--mount"], true, "it is not known here", "use `--volume`"),
    (&["--read-only"], false, "it is not known here", "leave it out"),
    (
        &["--pull"],
        true,
        "an image that is there is used as it is",
        "leave it out",
    ),
    (&["--cidfile"], true, OWN, "leave it out"),
    (
        &["--publish", "-p", "--publish-all", "-P"],
        true,
        "it is not known here",
        "use `--network host`",
    ),
];

/// Whether an option is known.
pub(super) fn known(name: &str) -> Option<Known> {
    KNOWN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, option)| *option)
}
