"""Trainings on several nodes of a Ray cluster: a placement group has a place on each, and a relay on all but the first.

Ray reserves all places at once. The step itself is handed out when processes can be started on the others.
"""

import contextlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from mlspec.engine import relay
from mlspec.engine.backend import Task
from mlspec.machine.network import Endpoint
from mlspec.store import files
from mlspec_backends import _ray_node as node

FILE = ".places"  # the end of the name of the file with the other nodes' places


@dataclass(eq=False)
class Group:
    """The nodes of one training. ``relays``: the tasks on all but the first, with the node of each, empty until it is
    known; ``opened``: where processes can be started on them; ``ended``: those that report nothing more."""

    place: Any
    secret: str
    file: Path
    relays: dict[Any, str] = field(default_factory=dict)
    opened: dict[Any, Endpoint] = field(default_factory=dict)
    ended: set[Any] = field(default_factory=set)

    @property
    def is_ready(self) -> bool:
        """Whether processes can be started on all of them."""
        return len(self.opened) == len(self.relays)

    def options(self, ray: Any, asked: dict[str, Any], index: int) -> dict[str, Any]:
        """What a task asks for that is to run in one of the places."""
        strategy = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy
        return {**asked, "scheduling_strategy": strategy(self.place, placement_group_bundle_index=index)}

    def ready(self, task: Task) -> Task:
        """The task, as its first node does it."""
        places = tuple(self.opened[one] for one in self.relays)
        self.file.touch(0o600)
        files.replace(self.file, msgspec.json.encode(relay.Far(self.secret, places)))
        return replace(task, elsewhere=tuple(relay.command(self.file, index) for index in range(len(places))))

    def end(self, ray: Any) -> None:
        """Give the places back, with all that is done there."""
        with contextlib.suppress(OSError):
            self.file.unlink(missing_ok=True)
        with contextlib.suppress(ray.exceptions.RayError, ValueError, RuntimeError):
            ray.util.remove_placement_group(self.place)


def reserved(ray: Any, terms: bytes, asked: dict[str, Any], count: int, fence: Path) -> Group:
    """Ask for so many places on nodes of their own, and begin what starts processes in all but the first."""
    bundle = {
        "CPU": asked["num_cpus"],
        "GPU": asked["num_gpus"],
        "memory": asked.get("memory", 0),
        **asked["resources"],
    }
    if "accelerator_type" in asked:
        bundle[f"accelerator_type:{asked['accelerator_type']}"] = 0.001
    bundle = {name: amount for name, amount in bundle.items() if amount}
    place = ray.util.placement_group([bundle] * count, strategy="STRICT_SPREAD", name=asked["name"])
    group = Group(place, secrets.token_hex(32), fence.with_name(f"{fence.name}{FILE}"))
    starts = ray.remote(node.starts)
    for index in range(1, count):
        one = starts.options(**group.options(ray, asked | {"name": "mlspec-nodes"}, index)).remote(
            terms, group.secret, fence.name
        )
        group.relays[one] = ""
    return group
