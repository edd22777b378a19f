"""The cluster as Ray shows it: the connection, the nodes, what a step asks for, and errors in words."""

import contextlib
import functools
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import printable
from mlspec.engine.backend import Node, Setting, Task, UnusableError

AUTO = "auto"
SECONDS = 10.0  # for the first connection
OWN = ("CPU", "GPU", "memory", "object_store_memory")
TYPE = "accelerator_type:"
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # A step without a GPU sees none, as Ray will have it from its next version on.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Of a task that was cancelled nobody reads the error.
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
    # Seconds; a wrong token is tried again and again.
    "RAY_gcs_server_port_wait_time_s": "5",
}


class Host(Struct, frozen=True):
    """A node that is up: Ray's id and name of it, what it has, and its own resources by name."""

    id: str
    name: str
    node: Node
    own: Mapping[str, float]

    @property
    def types(self) -> list[str]:
        """The types of its accelerators."""
        return sorted(name.removeprefix(TYPE) for name in self.own if name.startswith(TYPE))

    @property
    def custom(self) -> list[str]:
        """The names of its custom resources."""
        return sorted(name for name in self.own if not name.startswith((TYPE, "node:")) and name not in OWN)


class Connection:
    """To a cluster that somebody else has started; where this process has one already, that one."""

    def __init__(self, address: str | None) -> None:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        import ray

        self.ray: Any = ray
        self._stack = contextlib.ExitStack()
        if not ray.is_initialized():
            _connect(ray, address or AUTO)
            self._stack.callback(ray.shutdown)
            self._stack.enter_context(_silent())

    def hosts(self) -> list[Host]:
        """The nodes that are up."""
        return [_host(entry) for entry in self.ray.nodes() if entry["Alive"]]

    def names(self) -> dict[str, str]:
        """The names of all nodes, also of those that were lost, by their ids."""
        return {entry["NodeID"]: _name(entry) for entry in self.ray.nodes()}

    def address(self) -> str:
        """Where its controller is."""
        return printable(str(self.ray.get_runtime_context().gcs_address))

    def close(self) -> None:
        """End what this process has begun there."""
        self._stack.close()


def usable(hosts: list[Host], setting: Setting) -> list[Host]:
    """The nodes that steps may run on. Raises UnusableError where there is none, at the key that rules the last out."""
    if not hosts:
        raise UnusableError("no node of the Ray cluster is up", "engine", "`ray status` lists its nodes")
    for name, amount in setting.resources.items():
        known = sorted({one for host in hosts for one in host.custom})
        hosts = [host for host in hosts if host.own.get(name, 0.0) >= amount]
        if not hosts:
            note = f"the cluster has the resources {', '.join(known) or '(none beside CPUs, GPUs and memory)'}"
            raise UnusableError(f"no node of the Ray cluster has {amount:g} of '{name}'", "resources", note)
    if setting.accelerator is not None:
        types = sorted({one for host in hosts for one in host.types})
        if setting.accelerator not in types:
            message = f"no node of the Ray cluster has an accelerator '{setting.accelerator}'"
            note = f"the cluster has {', '.join(types) or 'no accelerators'}"
            raise UnusableError(message, "accelerator", note)
    return hosts


def counts(host: Host, setting: Setting) -> bool:
    """Whether the GPUs of a node are of the type that is asked for."""
    return setting.accelerator is None or setting.accelerator in host.types


def kinds(hosts: list[Host], setting: Setting) -> tuple[Node, ...]:
    """What these nodes have that steps can take, and how many of them have the same."""
    found: dict[Node, int] = {}
    for host in hosts:
        one = host.node if counts(host, setting) else Node(host.node.cpus, host.node.memory)
        found[one] = found.get(one, 0) + 1
    return tuple(replace(node, count=count) for node, count in found.items())


def options(task: Task, cpus: int, setting: Setting) -> dict[str, Any]:
    """What a step asks Ray for. Ray itself tries nothing again: it can't tell a lost node from a step that failed."""
    gpus, memory = len(task.gpus), max(setting.memory or 0, task.memory)
    found: dict[str, Any] = {
        "num_cpus": cpus,
        "num_gpus": gpus,
        "resources": dict(setting.resources),
        "max_retries": 0,
        "num_returns": "streaming",
        "name": f"mlspec {task.step}",
    }
    if memory:
        found["memory"] = memory
    if gpus and setting.accelerator is not None:
        found["accelerator_type"] = setting.accelerator
    return found


def words(error: BaseException) -> str:
    """What Ray says, on one line."""
    from ray import exceptions

    lines = [line for line in str(error).splitlines() if line.strip()]
    # Of an error on a node, the last line is what Python says.
    taken = lines[-1:] if isinstance(error, exceptions.RayTaskError) else lines[:3]
    return printable(" ".join(" ".join(taken).split()))[:300] or type(error).__name__


def _connect(ray: Any, address: str) -> None:
    stated = os.environ.get("RAY_ADDRESS", address) if address == AUTO else address
    host, _, port = stated.rpartition(":")
    with _signals():
        try:
            if host and port.isdigit():
                # Ray itself asks for minutes where nobody answers.
                socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", namespace="mlspec")
        except (ray.exceptions.RayError, ConnectionError, ValueError, RuntimeError, OSError, AssertionError) as error:
            note = (
                "`ray start --head` starts a cluster, mlspec starts none; one with a token needs RAY_AUTH_MODE=token "
                "and the same token here (RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH)"
            )
            message = f"no Ray cluster can be used at '{stated}': {words(error)}"
            raise UnusableError(message, "address", note) from None


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself; it stays what it was."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Ray prints news of the cluster to standard output whatever it is asked, and there is a document there."""
    from ray._private import worker

    before = vars(worker).get("print_to_stdstream")
    vars(worker)["print_to_stdstream"] = lambda *_, **__: None
    try:
        yield
    finally:
        vars(worker)["print_to_stdstream"] = before


def _host(entry: Mapping[str, Any]) -> Host:
    has = entry["Resources"]
    node = Node(int(has.get("CPU", 0)), int(has.get("memory", 0)), int(has.get("GPU", 0)))
    return Host(entry["NodeID"], _name(entry), node, has)


def _name(entry: Mapping[str, Any]) -> str:
    return printable(str(entry.get("NodeName") or entry.get("NodeManagerAddress") or entry["NodeID"]))


@functools.lru_cache(maxsize=1)
def here() -> str:
    """The name of the node that this process of Ray's is on."""
    import ray

    own = node_id()
    return next((_name(entry) for entry in ray.nodes() if entry["NodeID"] == own), own[:8])


def node_id() -> str:
    """Ray's id of the node that this process of Ray's is on."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def is_member() -> bool:
    """Whether the node of this process of Ray's is one of the cluster, as far as is known: Ray ends its processes where
    the cluster does not answer for long."""
    import ray

    try:
        return any(entry["Alive"] and entry["NodeID"] == node_id() for entry in ray.nodes())
    except (ray.exceptions.RayError, RuntimeError, OSError):
        return True


def may_be_lost(error: BaseException) -> bool:
    """Whether an error of Ray may mean that a node was lost: then the node's state decides."""
    from ray import exceptions

    kinds = (exceptions.NodeDiedError, exceptions.WorkerCrashedError, exceptions.ObjectLostError)
    return isinstance(error, (*kinds, exceptions.RaySystemError))


def failure(error: BaseException, node: str) -> tuple[str, str]:
    """Why a step has failed whose task on a node has ended with an error of Ray's, and the setting that it exceeded,
    if there is such a one."""
    from ray import exceptions

    if isinstance(error, exceptions.TaskCancelledError):
        return f"its Ray task on {node} was cancelled, and not by this run", ""
    if isinstance(error, exceptions.OutOfMemoryError):
        return f"Ray ended it, because the node's memory ran out: {words(error)}", "memory"
    if isinstance(error, exceptions.RayTaskError):
        return f"a node of the cluster can't do steps (is mlspec there?): {words(error)}", ""
    return f"Ray: {words(error)}", ""
