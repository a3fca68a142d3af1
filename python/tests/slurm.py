"""A small real Slurm cluster for tests, of Debian's packages: munge, a controller and one machine, this one.

`outhaul-testkit` has a larger one for the tests of the driver; here it is enough that there is one.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time

_PATIENCE = 60.0
_CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerNode=100
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
ReturnToService=2
SlurmdParameters=config_overrides
MpiDefault=none
NodeName=n1 NodeAddr=127.0.0.1 NodeHostname={host} Port={machine} CPUs=8 RealMemory=4000
PartitionName=main Nodes=n1 Default=YES MaxTime=60 State=UP
"""


class Cluster:
    """A cluster that runs until it is closed; `conf` is its configuration, for `SLURM_CONF`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ohs-")
        os.chmod(self.folder, 0o755)
        self.conf = os.path.join(self.folder, "slurm.conf")
        self._daemons = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        os.mkdir(os.path.join(self.folder, "state"))
        ports = {"controller": _free_port(), "machine": _free_port()}
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(_CONF.format(host=socket.gethostname(), folder=self.folder, **ports))
        key = os.path.join(self.folder, "munge.key")
        with open(key, "wb") as file:
            file.write(os.urandom(128))
        os.chmod(key, 0o400)
        names = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = ["--{}={}/munge.{}".format(name, self.folder, end) for name, end in names.items()]
        self._daemon("munged", "--foreground", "--force", *options)
        self._until("munge listens", lambda: os.path.exists(os.path.join(self.folder, "munge.socket")))
        self._daemon("slurmctld", "-D", "-i")
        self._daemon("slurmd", "-D", "-N", "n1")
        self._until("the machine is idle", lambda: self.ask("sinfo", "-h", "-N", "-o", "%N %T").split() == ["n1", "idle"])

    def _daemon(self, program, *words):
        with open(os.path.join(self.folder, program + ".out"), "wb") as log:
            # It ends with the tests, however they end.
            argv = ["setpriv", "--pdeathsig", "KILL", "/usr/sbin/" + program] + list(words)
            env = dict(os.environ, SLURM_CONF=self.conf)
            started = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._daemons.append(started)

    def _until(self, what, holds):
        since = time.monotonic()
        while not holds():
            if time.monotonic() - since > _PATIENCE:
                raise AssertionError("{}: not within {} seconds".format(what, _PATIENCE))
            time.sleep(0.05)

    def ask(self, *words):
        """What one of Slurm's programs prints."""
        env = dict(os.environ, SLURM_CONF=self.conf)
        done = subprocess.run(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
        return done.stdout

    def close(self):
        """Ends it, its jobs first: their keepers would outlive the daemons."""
        self.ask("scancel", "--user=root", "--signal=KILL", "--full")
        self.ask("scancel", "--user=root")
        for daemon in reversed(self._daemons):
            daemon.kill()
            daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def cluster():
    """A cluster, or None with a line that says why there is none."""
    missing = [name for name in ("munged", "slurmctld", "slurmd") if not os.path.exists("/usr/sbin/" + name)]
    if shutil.which("sbatch") is None:
        missing.append("sbatch")
    if missing or os.geteuid() != 0:
        why = "`{}` is not installed".format(missing[0]) if missing else "only root can start one"
        print("not run on a Slurm cluster: " + why)
        return None
    return Cluster()


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
