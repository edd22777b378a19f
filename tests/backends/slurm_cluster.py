"""A SLURM cluster of the tests' own on this machine: a controller and two nodes, with a key and ports of their own. The
second node may be in a network namespace, behind a link that can be cut."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch")
NODES = ("n1", "n2")
CONFIG = """\
ClusterName=tests
SlurmctldHost={host}({controller})
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool_%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd_%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd_%n.log
SlurmctldPort={ports[0]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_min_interval=0,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=0
MpiDefault=none
SlurmdTimeout=300
KillWait=2
CompleteWait=0
MinJobAge=300
AccountingStorageType=accounting_storage/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=2000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr={second} Port={ports[2]} CPUs=2 RealMemory=2000 Gres=gpu:1 State=UNKNOWN
PartitionName=DEFAULT Nodes=n1,n2 MaxTime=INFINITE DefMemPerCPU=500
PartitionName=all Default=YES State=UP PreemptMode=REQUEUE
PartitionName=held State=DOWN
PartitionName=urgent State=UP PriorityTier=10
"""


def lacking() -> list[str]:
    """The programs that are not installed."""
    return [name for name in PROGRAMS if _program(name) is None]


class Cluster:
    """Started by ``start``, ended by ``end``; SLURM's commands find it by the environment variable SLURM_CONF.
    ``link``: the name of the network namespace of the second node, and of the link to it."""

    def __init__(self, folder: Path, link: str = "") -> None:
        self.folder, self.config, self.link = folder, folder / "slurm.conf", link
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start everything and wait until both nodes are idle."""
        (self.folder / "state").mkdir()
        host, user = socket.gethostname().partition(".")[0], getpass.getuser()
        ports = _ports(3)
        addresses = {"controller": "127.0.0.1", "second": "127.0.0.1"}
        if self.link:
            own = f"10.{100 + os.getpid() % 100}.{os.getpid() // 100 % 250}"  # workers of the tests each have a network
            addresses = {"controller": f"{own}.1", "second": f"{own}.2"}
            self._lay_link(**addresses)
        said = CONFIG.format(host=host, user=user, folder=self.folder, ports=ports, **addresses)
        self.config.write_text(said)
        # A GPU that is no device: SLURM counts it, and nothing computes on it.
        (self.folder / "gres.conf").write_text("NodeName=n2 Name=gpu Count=1 File=/dev/null\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        own = [f"--key-file={key}", f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munge.pid"]
        own += [f"--seed-file={self.folder}/munge.seed", f"--log-file={self.folder}/munge.log"]
        # Foreground, so that it is ours to end; forced, because the folders of tests may be writable to others.
        self._begin("munged", "--foreground", "--force", "--num-threads=2", *own)
        wait(lambda: (self.folder / "munge.socket").exists(), "munged listens")
        self.begin_controller()
        for node in NODES:
            self.begin_node(node)
        wait(lambda: self.states() == dict.fromkeys(NODES, "idle"), "both nodes are idle")

    def cut(self, *, whole: bool = False) -> None:
        """Let nothing pass to and from the second node, until it is ``whole`` again."""
        subprocess.run(["ip", "link", "set", self.link, "up" if whole else "down"], check=True)

    def begin_controller(self) -> None:
        """Start the controller, with what it knew when it ended."""
        self._begin("slurmctld", "-D", "-i", "-f", str(self.config))

    def end_controller(self) -> None:
        """End the controller; nodes and their jobs go on."""
        daemon = self._daemons.pop("slurmctld")
        daemon.terminate()
        daemon.wait()

    def begin_node(self, node: str) -> None:
        """Start a node's daemon."""
        (self.folder / f"spool_{node}").mkdir(exist_ok=True)
        # Not `ip netns exec`, which also mounts another /sys, without control groups.
        inside = ("nsenter", f"--net=/run/netns/{self.link}") if self.link and node == NODES[1] else ()
        self._begin("slurmd", "-D", "-N", node, "-f", str(self.config), name=node, inside=inside)

    def kill_node(self, node: str) -> None:
        """Kill a node's daemon, and let the controller know without waiting for its time-out. Jobs' own processes go
        on, as they do where only a daemon dies."""
        daemon = self._daemons.pop(node)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        self.control("update", f"NodeName={node}", "State=DOWN", "Reason=killed")

    def revive_node(self, node: str) -> None:
        """Start a node's daemon again and wait until the node is idle."""
        self.begin_node(node)
        self.control("update", f"NodeName={node}", "State=RESUME")
        wait(lambda: self.states()[node] == "idle", f"{node} is idle")

    def states(self) -> dict[str, str]:
        """The state of each node."""
        said = self.command("sinfo", "-h", "-N", "-p", "all", "-o", "%N %t")
        return dict(line.split() for line in said.splitlines())

    def jobs(self) -> dict[str, str]:
        """The state of each job that has not ended."""
        lines = self.command("squeue", "-h", "-r", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)

    def control(self, *arguments: str) -> str:
        """What ``scontrol`` says."""
        return self.command("scontrol", *arguments)

    def command(self, *command: str) -> str:
        """What a command of SLURM's says; empty where it fails."""
        environment = {**os.environ, "SLURM_CONF": str(self.config)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout

    def processes(self, word: str) -> list[int]:
        """The processes of jobs with a word in their command."""
        found = []
        for process in self._left():
            with contextlib.suppress(OSError):
                if word.encode() in Path(f"/proc/{process}/cmdline").read_bytes():
                    found.append(process)
        return found

    def end(self) -> None:
        """End everything, jobs too."""
        self.command("scancel", "--full", "--state=RUNNING")
        self.command("scancel", "--state=PENDING")
        until = time.monotonic() + 15
        while self.jobs() and time.monotonic() < until:
            time.sleep(0.05)
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for process in self._left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self.link:
            subprocess.run(["ip", "netns", "del", self.link], check=False)

    def _left(self) -> list[int]:
        """What jobs of a killed daemon have left: their environment names our configuration."""
        mark = f"SLURM_CONF={self.config}\0".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                    found.append(int(folder.name))
        return found

    def _lay_link(self, controller: str, second: str) -> None:
        inside = ["ip", "-n", self.link]
        for command in (
            ["ip", "netns", "add", self.link],
            ["ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.link],
            ["ip", "addr", "add", f"{controller}/24", "dev", self.link],
            ["ip", "link", "set", self.link, "up"],
            [*inside, "addr", "add", f"{second}/24", "dev", "eth0"],
            [*inside, "link", "set", "eth0", "up"],
            [*inside, "link", "set", "lo", "up"],
        ):
            subprocess.run(command, check=True)

    def _begin(self, program: str, *arguments: str, name: str = "", inside: Sequence[str] = ()) -> None:
        path = _program(program)
        assert path is not None
        log = (self.folder / f"{name or program}.out").open("ab")
        with log:
            # Killed tests take their daemons with them.
            command = [*inside, "setpriv", "--pdeathsig=KILL", path, *arguments]
            # A job gets the environment of the process that submits it; a daemon needs nothing of ours.
            path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
            environment = {"PATH": path, "SLURM_CONF": str(self.config)}
            self._daemons[name or program] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )


def wait(until: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until something holds; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.02)


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
