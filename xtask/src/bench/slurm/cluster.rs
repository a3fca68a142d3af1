//! A small Slurm cluster of our own on this machine: munge, a controller and two machines, on ports and in a folder of
//! its own.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::bench::limit::{Group, last_line};
use crate::temp::Temp;
use crate::{repo, shell};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running cluster. It ends with this value.
pub struct Cluster {
    // Ended before their folder is removed, the last one first.
    machines: Vec<Group>,
    controller: Option<Group>,
    munge: Option<Group>,
    folder: Temp,
}

impl Cluster {
    /// Starts one.
    pub fn start() -> Result<Self> {
        for program in ["munged", "slurmctld", "slurmd"] {
            ensure!(
                Path::new("/usr/sbin").join(program).exists(),
                "there is no `{program}`; the packages `munge`, `slurmctld` and `slurmd` have them"
            );
        }
        ensure!(
            shell::output(repo::clean("id").arg("-u"))?.trim() == "0",
            "only root can start a cluster"
        );
        let folder = Temp::new("slurm")?;
        // Slurm's daemons look into it as other users.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let mut cluster = Self {
            machines: Vec::new(),
            controller: None,
            munge: None,
            folder,
        };
        cluster.configure()?;
        let at = |name: &str| cluster.folder.path().join(name).display().to_string();
        let mut munged = cluster.daemon("munged");
        munged.args(["--foreground", "--force"]);
        for (option, file) in [
            ("socket", "munge.socket"),
            ("key-file", "munge.key"),
            ("pid-file", "munge.pid"),
            ("log-file", "munge.log"),
            ("seed-file", "munge.seed"),
        ] {
            munged.arg(format!("--{option}={}", at(file)));
        }
        let socket = cluster.folder.path().join("munge.socket");
        cluster.munge = Some(cluster.group(munged)?);
        cluster.until("munge listens", |_| Ok(socket.exists()))?;
        let mut controller = cluster.daemon("slurmctld");
        controller.args(["-D", "-i"]);
        cluster.controller = Some(cluster.group(controller)?);
        for name in ["n1", "n2"] {
            let mut machine = cluster.daemon("slurmd");
            machine.args(["-D", "-N", name]);
            let machine = cluster.group(machine)?;
            cluster.machines.push(machine);
        }
        cluster.until("both machines are idle", |cluster| {
            let said = cluster.command("sinfo").args(["-h", "-o", "%T %D"]).output()?;
            Ok(String::from_utf8_lossy(&said.stdout).trim() == "idle 2")
        })?;
        Ok(cluster)
    }

    /// The configuration file, for `SLURM_CONF`.
    pub fn conf(&self) -> PathBuf {
        self.folder.path().join("slurm.conf")
    }

    /// One of Slurm's programs.
    pub fn command(&self, program: &str) -> Command {
        let mut command = repo::clean(program);
        command.env("SLURM_CONF", self.conf());
        command
    }

    fn daemon(&self, program: &str) -> Command {
        let mut command = repo::clean(Path::new("/usr/sbin").join(program));
        command.env("SLURM_CONF", self.conf());
        command
    }

    fn group(&self, mut command: Command) -> Result<Group> {
        Group::start(&mut command, &self.folder.path().join("log"))
    }

    fn configure(&self) -> Result<()> {
        let folder = self.folder.path().display();
        let port = || anyhow::Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        let (controller, first, second) = (port()?, port()?, port()?);
        let host = shell::output(&mut repo::clean("hostname"))?;
        let host = host.trim();
        let text = format!(
            "ClusterName=bench
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
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
MinJobAge=300
ReturnToService=2
SlurmdParameters=config_overrides
MpiDefault=none
NodeName=n1 NodeAddr=127.0.0.1 NodeHostname={host} Port={first} CPUs=8 RealMemory=4000
NodeName=n2 NodeAddr=127.0.0.1 NodeHostname={host} Port={second} CPUs=8 RealMemory=4000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
"
        );
        std::fs::create_dir(self.folder.path().join("state"))?;
        std::fs::write(self.conf(), text)?;
        let key = self.folder.path().join("munge.key");
        std::fs::write(&key, [7; 128])?;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400))?;
        Ok(())
    }

    fn until(&self, what: &str, holds: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !holds(self)? {
            if start.elapsed() > PATIENCE {
                bail!(
                    "{what}: not in time; {}",
                    last_line(&self.folder.path().join("log"))
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Jobs first: their keepers would outlive the daemons.
        let _ = self.command("scancel").args(["--user=root"]).output();
        self.machines.clear();
        self.controller = None;
        self.munge = None;
    }
}
