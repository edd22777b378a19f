"""A Ray cluster of the tests' own on this machine: two nodes of one core, ports that the system chooses, a token.

Run as a program, this is the process that starts the nodes and ends them: a name on its standard input starts that one
again; when the input ends, all end.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NODES = ("n1", "n2")
AGENT = "agent"
MOUNT = "MLSPEC_TEST_MOUNT"
# Read by each Python process of a node as it starts: those that run a module see an empty file system at a path.
MOUNTING = f"""
import ctypes, os, sys
module, _, rest = os.environ.get({MOUNT!r}, "").partition(":")
options, _, path = rest.partition(":")
if path and module in sys.orig_argv:
    kernel, own = ctypes.CDLL(None), (os.getuid(), os.getgid())
    if kernel.unshare(0x10000000 | 0x00020000):
        os._exit(97)
    texts = ["deny", *(f"{{one}} {{one}} 1" for one in own)]
    for name, text in zip(("setgroups", "uid_map", "gid_map"), texts):
        with open(f"/proc/self/{{name}}", "w") as file:
            file.write(text)
    if kernel.mount(b"none", path.encode(), b"tmpfs", 0, options.encode()):
        os._exit(98)
"""


class Cluster:
    """Started by ``start``, ended by ``end``; drivers find it by ``environment``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self.code = folder / "code"  # modules that the nodes find
        self.temporary = folder / "tmp"  # the folder of temporary files on the nodes
        self._daemon: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start both nodes."""
        (self.folder / "token").write_text(secrets.token_hex(32))
        # A library that only the second node has in another version.
        (self.folder / "lib" / "frobnicate-2.0.dist-info").mkdir(parents=True)
        self.code.mkdir()
        self.temporary.mkdir()
        (self.code / "sitecustomize.py").write_text(MOUNTING)
        known = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        paths = os.pathsep.join([*(entry for entry in sys.path if entry and os.path.isabs(entry)), str(self.code)])
        own = {**self.environment, "PYTHONPATH": paths, "RAY_TMPDIR": str(self.folder), "TMPDIR": str(self.temporary)}
        with (self.folder / "cluster.out").open("ab") as log:
            self._daemon = subprocess.Popen(
                [sys.executable, "-P", str(Path(__file__).resolve()), str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**known, **own},
                start_new_session=True,
            )
        self.environment["RAY_ADDRESS"] = self._said()

    def daemon(self, node: str) -> int:
        """The process that is a node's daemon. Where it is killed, what the node's other processes do goes on."""
        (process,) = self.processes("ray/raylet/raylet", node)
        return process

    def drain(self, node: str) -> None:
        """Have Ray place nothing more on a node, as before its machine is taken away."""
        import ray
        from ray.core.generated import autoscaler_pb2

        (entry,) = [entry for entry in ray.nodes() if entry["NodeName"] == node and entry["Alive"]]
        reason = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
        deadline = int((time.time() + 600) * 1000)
        client = ray._raylet.GcsClient(address=self.environment["RAY_ADDRESS"])
        assert client.drain_node(entry["NodeID"], reason, "test", deadline) == (True, "")

    def revive_node(self, name: str) -> None:
        """Start a node again."""
        assert self._daemon is not None
        assert self._daemon.stdin is not None
        self._daemon.stdin.write(f"{name}\n")
        self._daemon.stdin.flush()
        self._said()

    def processes(self, word: str, node: str = "") -> list[int]:
        """The processes of steps with a word in their command; of all nodes, or only of the second one."""
        return processes(self.folder, word, str(self.folder / "lib") if node == "n2" else "")

    def end(self) -> None:
        """End everything."""
        if self._daemon is not None:
            assert self._daemon.stdin is not None
            self._daemon.stdin.close()
            try:
                self._daemon.wait(30)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
            assert self._daemon.stdout is not None
            self._daemon.stdout.close()
        kill_all(self.folder)

    def _said(self) -> str:
        assert self._daemon is not None
        assert self._daemon.stdout is not None
        for line in self._daemon.stdout:
            if line.startswith("= "):
                return line[2:].strip()
        raise AssertionError((self.folder / "cluster.out").read_text()[-2000:])


def serve(folder: Path) -> None:
    """Start the nodes, and do what is said."""
    os.environ |= {
        # A node that does not answer is lost after 9 seconds, not 65.
        "RAY_health_check_period_ms": "1000",
        "RAY_health_check_timeout_ms": "2000",
        "RAY_health_check_failure_threshold": "3",
        "RAY_raylet_start_wait_time_s": "120",
    }
    from ray._private import node, services
    from ray.cluster_utils import Cluster as Daemons

    # A raylet aborts where its two agents take more than 15 seconds to start, as they do on a loaded machine. Nothing
    # of what they serve (metrics, environments of tasks, the page of the cluster) is used.
    services._build_python_executable_command_memory_profileable = lambda *_: [sys.executable, "-SE", __file__, AGENT]
    node.Node.start_api_server = lambda *_, **__: None
    daemons, path, nodes = Daemons(), os.environ["PYTHONPATH"], {}

    def add(name: str) -> Any:
        os.environ["PYTHONPATH"] = path if name == "n1" else os.pathsep.join((path, str(folder / "lib")))
        has = {"num_cpus": 1, "memory": 4_000_000_000, "resources": {name: 1, "licence": 1}}
        less = {"object_store_memory": 80_000_000, "include_log_monitor": False, "no_monitor": True}
        return daemons.add_node(node_name=name, **has, **less)

    try:
        for name in NODES:
            nodes[name] = add(name)
        print(f"= {daemons.address}", flush=True)
        for line in sys.stdin:
            name = line.strip()
            daemons.remove_node(nodes[name])
            nodes[name] = add(name)
            print("= done", flush=True)
        daemons.shutdown()
    finally:
        kill_all(folder)


def stand_in(arguments: list[str]) -> None:
    """In place of an agent of a raylet: says which ports it has, and lives as long as the raylet."""
    given = dict(argument[2:].split("=", 1) for argument in arguments if "=" in argument)
    for port in ("metrics_agent", "metrics_export", "dashboard_agent_listen", "runtime_env_agent"):
        file = Path(given["session-dir"], f"{port}_port_{given['node-id']}")
        aside = file.with_suffix(f".{os.getpid()}")
        aside.write_text("1")
        aside.rename(file)
    raylet = os.getppid()
    while os.getppid() == raylet:
        time.sleep(0.5)


def processes(folder: Path, word: str = "", mark: str = "") -> list[int]:
    """The processes of a cluster with a word in their command, and another one in their environment."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment, command = (one / "environ").read_bytes(), (one / "cmdline").read_bytes()
            own = f"RAY_TMPDIR={folder}\0".encode() in environment
            if own and mark.encode() in environment and word.encode() in command:
                found.append(int(one.name))
    return found


def kill_all(folder: Path) -> None:
    """Kill what is left of a cluster."""
    for process in processes(folder):
        if process != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == AGENT:
        stand_in(sys.argv[2:])
    else:
        serve(Path(sys.argv[1]))
