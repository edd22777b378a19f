"""What ``mlspec doctor`` says of a Ray cluster: its nodes, and what two of them see of this machine's folder."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from mlspec import formatting
from mlspec.engine import handshake
from mlspec.engine.backend import Setting, UnusableError
from mlspec.machine.json_lines import decoded
from mlspec.spec.backend import Backend
from mlspec.store import shared
from mlspec_backends import _ray_apart
from mlspec_backends import _ray_cluster as cluster
from mlspec_backends import _ray_node as node
from mlspec_backends._ray_session import session

LIBRARIES = ("msgspec", "numpy", "polars", "ray", "scikit-learn", "torch")
SECONDS = 60.0  # for the tasks that look, all together
CLOCKS = 5.0  # seconds by which clocks may differ before it is said
NODES = 2
OPEN = "anyone who reaches its ports can run code on it: RAY_AUTH_MODE=token prevents that"
Found = Iterator[tuple[str, str, str]]


def examine(settings: Backend, folder: Path) -> Found:
    """The cluster, its nodes, then what tasks on two of them find."""
    with contextlib.ExitStack() as stack:
        parent = Path(tempfile.mkdtemp(prefix=".mlspec-doctor-", dir=folder))
        stack.callback(shutil.rmtree, parent, ignore_errors=True)
        setting = Setting(
            root=folder,
            home=parent,
            logs=parent,
            accelerator=settings.accelerator,
            resources=settings.resources,
            shared_folder=settings.shared_folder,
            shared=None if settings.store is None else shared.located(settings.store, folder),
        )
        if setting.shared is None and not setting.shared_folder:
            yield "nodes", "wrong", "without a shared folder they need a `store`"
            return
        try:
            connection = cluster.Connection(settings.address)
            stack.callback(connection.close)
            hosts = connection.hosts()
            yield "Ray", "ok", f"Ray {connection.ray.__version__} at {connection.address()}"
            if os.environ.get("RAY_AUTH_MODE") != "token":
                yield "access", "warning", OPEN
            for host in hosts:
                yield f"node {host.name}", "ok", describe(host)
            hosts = cluster.usable(hosts, setting)
        except UnusableError as error:
            yield "Ray", "wrong", f"{error} ({error.note})"
            return
        yield from _probe(connection, hosts[:NODES], setting)


def describe(host: cluster.Host) -> str:
    """What a node has, in words."""
    parts = [formatting.count(host.node.cpus, "core"), f"{formatting.size(host.node.memory)} of memory"]
    parts += [formatting.count(host.node.gpus, "GPU")] if host.node.gpus else []
    return ", ".join([*parts, *host.types, *host.custom])


def _probe(connection: cluster.Connection, hosts: list[cluster.Host], setting: Setting) -> Found:
    ray: Any = connection.ray
    with session(setting.home) as root:
        terms = node.Terms(setting, handshake.own(LIBRARIES), {}, root / "driver")
        encoded = msgspec.json.encode(terms, enc_hook=str)
        affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        looks = {
            host.name: ray.remote(node.look if setting.shared_folder else _ray_apart.look)
            .options(num_cpus=0, max_retries=0, scheduling_strategy=affinity(host.id, soft=False))
            .remote(encoded)
            for host in hosts
        }
        sees = "sees this folder and its locks" if setting.shared_folder else "reaches the shared store"
        until = time.monotonic() + SECONDS
        for name, look in looks.items():
            yield (f"node {name}", *_found(ray, look, until - time.monotonic(), sees))


def _found(ray: Any, look: Any, seconds: float, sees: str) -> tuple[str, str]:
    try:
        found: node.Started = decoded(ray.get(look, timeout=max(0.0, seconds)), node.Started)
    except ray.exceptions.GetTimeoutError:
        return "warning", f"it has not answered within {SECONDS:.0f} s"
    except ValueError as error:
        return "wrong", str(error)
    except ray.exceptions.RayError as error:
        return "wrong", f"it can't do steps (is mlspec there?): {cluster.words(error)}"
    apart = abs(time.time() - found.clock)
    clock = f"; its clock differs by {apart:.0f} s" if apart > CLOCKS else ""
    if found.refused:
        return "wrong", f"it {found.refused}"
    return "ok", f"{sees}, has the same versions{clock}"
