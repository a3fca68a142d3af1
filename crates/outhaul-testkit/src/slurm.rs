//! A small real cluster for tests: munge, slurmctld and two slurmd of Debian's packages, on ports and in a folder of its
//! own. Both machines of the cluster are this one, so that all of them see every file.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::with_environment;

const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster. It ends with its owner.
pub struct Cluster {
    folder: PathBuf,
    daemons: Vec<Child>,
}

impl Cluster {
    /// Starts a cluster. Where none can be had, prints one line and gives `None`.
    ///
    /// # Panics
    /// When there is one and it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// The same, with more lines in the cluster's configuration.
    ///
    /// # Panics
    /// When there is one and it does not start.
    #[must_use]
    pub fn start_with(more: &str) -> Option<Self> {
        let missing = ["munged", "slurmctld", "slurmd"]
            .into_iter()
            .find(|program| !Path::new("/usr/sbin").join(program).exists());
        let reason = match missing {
            Some(program) => Some(format!("`{program}` is not installed")),
            None if !Path::new("/usr/bin/sbatch").exists() => Some("`sbatch` is not installed".to_owned()),
            None if !nix::unistd::geteuid().is_root() => Some("only root can start one".to_owned()),
            None => None,
        };
        if let Some(reason) = reason {
            let line = format!("not run: tests on a Slurm cluster, because {reason}\n");
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("ohs-")
            .tempdir()
            .expect("a folder for the cluster");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
            .expect("it can be read");
        let mut cluster = Self {
            folder: folder.keep(),
            daemons: Vec::new(),
        };
        cluster.configure(more);
        cluster.munge();
        cluster.daemon("slurmctld", &["-D", "-i"]);
        cluster.daemon("slurmd", &["-D", "-N", "n1"]);
        cluster.daemon("slurmd", &["-D", "-N", "n2"]);
        cluster.until("both machines are idle", |cluster| {
            // Each is named once for each partition.
            let states = cluster.ask(&["sinfo", "-h", "-N", "-o", "%N %T"]);
            let mut states: Vec<&str> = states.lines().map(str::trim).collect();
            states.sort_unstable();
            states.dedup();
            states == ["n1 idle", "n2 idle"]
        });
        Some(cluster)
    }

    /// The configuration file, for `SLURM_CONF`.
    #[must_use]
    pub fn conf(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    /// What one of Slurm's programs prints.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn ask(&self, words: &[&str]) -> String {
        let output = self.command(words).output().expect("it is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Takes a machine out, or brings it back.
    pub fn set_node(&self, node: &str, state: &str) {
        let name = format!("NodeName={node}");
        let state = format!("State={state}");
        let _ = self.ask(&["scontrol", "update", &name, &state, "Reason=test"]);
    }

    /// Ends munge, so that nobody is known to anybody, until [`Cluster::munge`].
    pub fn end_munge(&mut self) {
        let mut munged = self.daemons.remove(0);
        let _ = munged.kill();
        let _ = munged.wait();
    }

    /// Fails a machine as a pulled plug does: its daemon and all jobs are gone, and nobody says so. The other machine must
    /// have no job.
    pub fn fail_node(&mut self, node: &str) {
        // The daemons are munge, the controller, and the machines in order.
        let place = if node == "n1" { 2 } else { 3 };
        let _ = self.daemons[place].kill();
        let _ = self.daemons[place].wait();
        let conf = format!("SLURM_CONF={}\0", self.conf().display());
        let end = |pid| crate::process::signal(pid, nix::sys::signal::Signal::SIGKILL);
        // Who keeps a job tells the controller of its end, and so must go first. (Of the other machine's there are none.)
        for (pid, line) in with_environment(&[&conf]) {
            if line.starts_with("slurmstepd") {
                end(pid);
            }
        }
        for (pid, _) in with_environment(&[&conf, &format!("SLURMD_NODENAME={node}\0")]) {
            end(pid);
        }
    }

    /// Starts munge.
    ///
    /// # Panics
    /// When it does not start.
    pub fn munge(&mut self) {
        let socket = self.folder.join("munge.socket");
        let _ = std::fs::remove_file(&socket);
        let of = |name: &str, file: &str| format!("--{name}={}", self.folder.join(file).display());
        let words = [
            "--foreground".to_owned(),
            "--force".to_owned(),
            of("socket", "munge.socket"),
            of("key-file", "munge.key"),
            of("pid-file", "munge.pid"),
            of("log-file", "munge.log"),
            of("seed-file", "munge.seed"),
        ];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let munged = self.spawn("munged", &words);
        self.daemons.insert(0, munged);
        self.until("munge listens", |_| socket.exists());
    }

    fn configure(&self, more: &str) {
        let folder = self.folder.display();
        let [controller, first, second] = [(); 3].map(|()| free_port());
        let host = nix::unistd::gethostname().expect("a name");
        let host = host.to_string_lossy();
        let text = format!(
            "ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerNode=100
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
KillWait=2
OverTimeLimit=0
MinJobAge=60
ReturnToService=2
SlurmdParameters=config_overrides
MpiDefault=none
EnforcePartLimits=ALL
GresTypes=gpu
NodeName=n1 NodeAddr=127.0.0.1 NodeHostname={host} Port={first} CPUs=8 RealMemory=4000
NodeName=n2 NodeAddr=127.0.0.1 NodeHostname={host} Port={second} CPUs=8 RealMemory=4000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
{more}
"
        );
        std::fs::create_dir(self.folder.join("state")).expect("a folder for the cluster's state");
        std::fs::write(self.conf(), text).expect("the configuration is written");
        let key = self.folder.join("munge.key");
        std::fs::write(&key, [7; 128]).expect("a key");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).expect("the key is closed");
    }

    fn daemon(&mut self, program: &str, words: &[&str]) {
        let child = self.spawn(program, words);
        self.daemons.push(child);
    }

    fn spawn(&self, program: &str, words: &[&str]) -> Child {
        let log = std::fs::File::create(self.folder.join(format!("{program}.out"))).expect("a log");
        // Ends with the test, however that ends.
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(Path::new("/usr/sbin").join(program))
            .args(words)
            .env("SLURM_CONF", self.conf())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("it is installed")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("SLURM_CONF", self.conf());
        command
    }

    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "{what}: not within {PATIENCE:?}; {}",
                std::fs::read_to_string(self.folder.join("slurmctld.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Jobs first: their keepers would outlive the daemons.
        let _ = self.ask(&["scancel", "--user=root", "--signal=KILL", "--full"]);
        let _ = self.ask(&["scancel", "--user=root"]);
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that nobody uses at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
