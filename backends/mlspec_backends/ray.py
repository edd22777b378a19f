"""Steps as tasks of a Ray cluster.

Ray places a step and says which nodes live; the step itself is done by a process of mlspec's own, which the task
drives: in the folder that all nodes share (``_ray_node.py``), or without one, through the shared store
(``_ray_apart.py``). Ray retries nothing: where a node is lost, its step is handed out again here.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from mlspec.engine import handshake, limits, threads
from mlspec.engine.apart import Printed
from mlspec.engine.backend import (
    Capacity,
    Ending,
    Failed,
    Finished,
    Listen,
    Progress,
    RunTimeoutError,
    Setting,
    Task,
)
from mlspec.engine.handover import Handover
from mlspec.engine.reports import checked
from mlspec.machine.json_lines import decoded
from mlspec.spec.backend import Backend as Settings
from mlspec.store.store import Store
from mlspec_backends import _ray_apart, _ray_probe
from mlspec_backends import _ray_cluster as cluster
from mlspec_backends import _ray_node as node
from mlspec_backends._again import DEATHS, Again
from mlspec_backends._ray_group import reserved
from mlspec_backends._ray_sent import Sent, has_ended
from mlspec_backends._ray_session import session
from mlspec_backends._small import Small, is_small
from mlspec_backends._spread import Spread

LIBRARIES = ("ray",)
EXTRA = "ray"
ELSEWHERE = True
LOOK = 2.0  # seconds between two looks at the nodes
WAITING = 30.0  # seconds without a node after which a step says that it waits for one
DOUBT = 10.0  # seconds after which a process has died for itself, if its node still lives
ENDING = 10.0  # seconds that cancelled steps may take to end
SHORT, LONG = 0.05, 1.0  # seconds between two looks at what is done here, and where nothing is


class OnRay:
    """Small steps and tunings on this machine, trials and the other steps as tasks."""

    def __init__(self, setting: Setting, store: Store) -> None:
        self._setting, self._store = setting, store
        self._sent: list[Sent] = []
        self._unsent: list[Ending] = []
        self._notes: dict[str, str] = {}  # what is to be said beside the result of a step
        self._handover = None if setting.shared_folder else Handover(setting, store)
        self._looked = 0.0
        with contextlib.ExitStack() as stack:
            self._session = stack.enter_context(session(setting.home / "ray"))
            self._cluster = cluster.Connection(setting.address)
            stack.callback(self._cluster.close)
            nodes = cluster.kinds(hosts := cluster.usable(self._cluster.hosts(), setting), setting)
            cpus = sum(host.node.cpus for host in hosts)
            gpus = sum(host.node.gpus for host in hosts if cluster.counts(host, setting))
            self.capacity = Capacity(
                steps=setting.steps or max(1, cpus), gpus=gpus, nodes=nodes, spreads=setting.shared_folder
            )
            there = replace(setting, until=None, step_timeout=None, steps=1)
            terms = node.Terms(there, handshake.own(setting.versions), node.passed_on(), self._session / "driver")
            self._terms = msgspec.json.encode(terms, enc_hook=os.fspath)
            self._steps = self._cluster.ray.remote(node.steps if self._handover is None else _ray_apart.steps)
            self._small = Small(setting, store)
            self._again = Again(setting.home, store)
            self._spread = Spread(setting, store, self.capacity.steps, self._begin, self._stop)
            self._stack = stack.pop_all()

    def submit(self, task: Task) -> None:
        """Take a step down, or hand it out."""
        if is_small(task) or (self._handover is not None and task.files):
            self._small.submit(task)
        elif self._handover is not None or not self._spread.begin(task):
            self._begin(task)

    def wait(self, listen: Listen) -> list[Ending]:
        """Wait for an ending: of what is done here, or of the tasks."""
        listen = self._spread.listening(listen)
        while True:
            endings = self._small.poll(listen, SHORT if self._sent else LONG) if self._small.names else []
            endings += self._unsent
            self._unsent = []
            seconds = SHORT if self._spread.names else LONG
            endings += self._hear(listen, 0.0 if endings or self._small.names else seconds)
            if time.monotonic() - self._looked >= LOOK:
                self._looked = time.monotonic()
                endings += self._look(listen)
            endings += self._spread.poll(listen)
            if wanted := self._spread.settle(endings or self._over()):
                return wanted

    def close(self) -> None:
        """Cancel all tasks, wait for their ends, and leave the cluster."""
        self._spread.close()
        self._small.close()
        for sent in self._sent:
            self._cancel(sent)
        until, left = time.monotonic() + ENDING, [task for sent in self._sent for task in sent.heard()]
        with contextlib.suppress(self._cluster.ray.exceptions.RayError):
            while left and time.monotonic() < until:
                ready, _ = self._cluster.ray.wait(left, num_returns=len(left), timeout=SHORT)
                left = [task for task in left if task not in ready or not has_ended(self._cluster.ray, task)]
        for sent in list(self._sent):
            self._forget(sent)
        self._stack.close()
        self._store.sweep()

    def _begin(self, task: Task) -> None:
        self._again.begin(task)
        self._hand_out(task)

    def _hand_out(self, task: Task) -> None:
        if self._handover is not None and (cause := self._handover.put(task)):
            self._unsent.append(Failed(task.step, cause))
            return
        sent = Sent(task, secrets.token_hex(8), time.monotonic())
        self._sent.append(sent)
        if task.nodes > 1:
            asked, _engine = self._asked(task)
            fence = self._session / sent.fence
            sent.group = reserved(self._cluster.ray, self._terms, asked, task.nodes, fence)
        else:
            self._send(sent, task)

    def _asked(self, task: Task) -> tuple[dict[str, Any], int]:
        """What a step asks of Ray on each of its nodes, and the threads of its data engine."""
        widest = max(one.cpus for one in self.capacity.nodes)
        engine = threads.wanted(task, self._store, replace(self._setting, steps=widest))
        cpus = max(task.threads * task.processes // task.nodes, engine)
        return cluster.options(task, cpus, self._setting), engine

    def _send(self, sent: Sent, task: Task) -> None:
        asked, engine = self._asked(task)
        if sent.group is not None:
            asked = sent.group.options(self._cluster.ray, asked, 0)
        # On its node a step sees the GPUs that Ray gave it, numbered from 0.
        if count := len(task.gpus) // task.nodes:
            task = replace(task, gpus=tuple(range(count)), device="cuda:0" if count == 1 else task.device)
        sent.reports = self._steps.options(**asked).remote(self._terms, msgspec.json.encode(task), engine, sent.fence)

    def _hear(self, listen: Listen, seconds: float) -> list[Ending]:
        """What the tasks have reported, after a wait of at most so many seconds for the first report."""
        ray, waiting = self._cluster.ray, {task: sent for sent in self._sent for task in sent.heard()}
        if not waiting:
            if seconds:
                time.sleep(SHORT)
            return []
        ready, _ = ray.wait(list(waiting), num_returns=1, timeout=seconds)
        if ready:
            ready, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
        endings: list[Ending] = []
        for task in ready:
            # What another report has ended is not read.
            if (sent := waiting[task]) in self._sent:
                endings += self._read(sent, listen) if task is sent.reports else self._read_relay(sent, task, listen)
        return endings

    def _read(self, sent: Sent, listen: Listen) -> list[Ending]:
        """One report."""
        ray = self._cluster.ray
        try:
            said = _said(ray.get(next(sent.reports)))
        except StopIteration:
            sent.over = True
            # A node that is one of the cluster no more ends what it does.
            return self._doubt(sent) if sent.node else self._fail(sent, "its task ended without a result")
        except ValueError as error:
            return self._fail(sent, str(error))
        except ray.exceptions.RayError as error:
            sent.over = True
            return self._broken(sent, error, listen)
        sent.over = not isinstance(said, Progress | Printed | node.Opened | node.Started)
        if isinstance(said, node.Started):
            sent.over = bool(said.refused)
            sent.node, sent.process, sent.began = said.node, said.process, time.monotonic()
            return self._fail(sent, f"the node {self._name(said.node)} {said.refused}") if said.refused else []
        if isinstance(said, Progress):
            listen(replace(said, step=sent.task.step))
        if isinstance(said, Printed) and self._handover is not None:
            self._handover.print(sent.task, said)
        if isinstance(said, Progress | Printed | node.Opened):
            return []
        if isinstance(said, Failed) and said.lost and self._again.after_loss(sent.task):
            # A training has lost one of its nodes: all of it is done again.
            return self._hand_out_again(sent, said.cause, listen)
        self._forget(sent)
        if isinstance(said, Failed):
            # A worker that has died leaves what it had begun.
            self._store.sweep()
        ended = checked(sent.task, said) if self._handover is None else self._handover.ended(sent.task, said)
        note = self._notes.pop(sent.task.step, "")
        if isinstance(ended, Finished) and note:
            ended = replace(ended, note=f"{ended.note}; {note}" if ended.note else note)
        return [ended]

    def _read_relay(self, sent: Sent, relay: Any, listen: Listen) -> list[Ending]:
        """One report of a further node of a training. Where it ends while the step runs, that will say so."""
        ray, group = self._cluster.ray, sent.group
        assert group is not None
        try:
            said = _said(ray.get(next(relay)))
        except ValueError as error:
            return self._fail(sent, f"a further node: {error}")
        except StopIteration:
            group.ended.add(relay)
            return [] if sent.reports is not None else self._fail(sent, "its task on a further node ended")
        except ray.exceptions.RayError as error:
            group.ended.add(relay)
            return [] if sent.reports is not None else self._broken(sent, error, listen)
        if isinstance(said, node.Started):
            group.relays[relay] = said.node
            return self._fail(sent, f"the node {self._name(said.node)} {said.refused}") if said.refused else []
        if isinstance(said, node.Opened):
            group.opened[relay] = said.place
            if group.is_ready:
                self._send(sent, group.ready(sent.task))
        return []

    def _broken(self, sent: Sent, error: Exception, listen: Listen) -> list[Ending]:
        """A task has ended with an error of Ray's: its node was lost, or the step has failed."""
        if isinstance(error, self._cluster.ray.exceptions.NodeDiedError):
            return self._lost(sent, sent.node, listen)
        if cluster.may_be_lost(error):
            return self._doubt(sent) if sent.nodes() else self._died(sent, listen)
        cause, limit = cluster.failure(error, self._name(sent.node))
        return self._fail(sent, cause, limit if limit and getattr(self._setting, limit) else "")

    def _doubt(self, sent: Sent) -> list[Ending]:
        """A node is given up a moment after the connection to its processes is gone."""
        sent.doubt, self._looked = time.monotonic() + DOUBT, 0.0
        return []

    def _look(self, listen: Listen) -> list[Ending]:
        """What has become of steps whose nodes were lost; which steps wait for one."""
        if not self._sent:
            return []
        endings: list[Ending] = []
        hosts, now = self._cluster.hosts(), time.monotonic()
        alive = {host.id for host in hosts}
        for sent in list(self._sent):
            if gone := [node for node in sent.nodes() if node not in alive]:
                # Ray waits for the reports of a task whose process is still there, or seems to be.
                endings += self._lost(sent, gone[0], listen)
            elif sent.doubt and now > sent.doubt:
                endings += self._died(sent, listen)
            elif not sent.nodes() and not sent.said and now - sent.sent > WAITING:
                sent.said = True
                listen(Progress(sent.task.step, "waits for room in the Ray cluster", 0.0))
        return endings

    def _lost(self, sent: Sent, node: str, listen: Listen) -> list[Ending]:
        """A node of a step was lost."""
        where = self._name(node)
        if not self._again.after_loss(sent.task):
            return self._fail(sent, f"its node was lost {self._again.lost(sent.task)} times, at last {where}")
        return self._hand_out_again(sent, f"the node {where} was lost", listen)

    def _died(self, sent: Sent, listen: Listen) -> list[Ending]:
        """The process of Ray's has died that did a step, and its node lives: the step itself has reported no fault."""
        cause = "process of Ray's died before the step had begun"
        if nodes := sent.nodes():
            number = f" {sent.process}" if sent.node else ""
            cause = f"process{number} of Ray's on the node {self._name(nodes[0])} died, and not the node"
        if not self._again.after_death(sent.task):
            return self._fail(sent, f"its {cause}; it was handed out {DEATHS + 1} times")
        self._notes[sent.task.step] = f"{sent.task.step}: {cause}; the step was handed out again"
        return self._hand_out_again(sent, cause, listen)

    def _hand_out_again(self, sent: Sent, why: str, listen: Listen) -> list[Ending]:
        self._drop(sent)
        listen(Progress(sent.task.step, f"{why}; the step is handed out again", 0.0))
        self._hand_out(sent.task)
        return []

    def _fail(self, sent: Sent, cause: str, limit: str = "") -> list[Ending]:
        self._drop(sent)
        log = self._setting.logs / f"{sent.task.step}.log"
        return [Failed(sent.task.step, cause, str(log) if log.exists() else None, limit=limit)]

    def _forget(self, sent: Sent) -> None:
        """It has ended."""
        self._sent.remove(sent)
        if sent.group is not None:
            self._cancel(sent)
            sent.group.end(self._cluster.ray)

    def _drop(self, sent: Sent) -> None:
        """End it; what it had begun is removed."""
        self._cancel(sent)
        self._forget(sent)
        self._store.sweep()

    def _cancel(self, sent: Sent) -> None:
        """A process that Ray does not reach sees the file, and ends what it does."""
        with contextlib.suppress(OSError):
            (self._session / sent.fence).touch()
        sent.cancel(self._cluster.ray)

    def _stop(self, step: str) -> None:
        """End a part that is wanted no more."""
        for sent in [sent for sent in self._sent if sent.task.step == step]:
            self._drop(sent)

    def _name(self, node: str) -> str:
        return self._cluster.names().get(node, node[:8] or "that it was on")

    def _over(self) -> list[Ending]:
        """End what takes longer than it may. Raises RunTimeoutError when the whole run does."""
        setting, now = self._setting, time.monotonic()
        running = sorted((sent for sent in self._sent if sent.node and not sent.doubt), key=lambda sent: sent.began)
        if setting.until is not None and now >= setting.until:
            names = [*(sent.task.step for sent in running), *self._spread.names, *self._small.names]
            names += [sent.task.step for sent in self._sent]
            raise RunTimeoutError(self._spread.whole(names[0]), limits.run_over())
        endings: list[Ending] = []
        for sent in running:
            if setting.step_timeout is not None and now - sent.began >= setting.step_timeout:
                endings += self._fail(sent, limits.step_over(setting.step_timeout), "step_timeout")
        return endings


def examine(settings: Settings, folder: Path) -> Iterator[tuple[str, str, str]]:
    """What ``mlspec doctor`` says of a cluster: what was looked at, ok or wrong, and what was found."""
    return _ray_probe.examine(settings, folder)


def start(setting: Setting, store: Store) -> OnRay:
    """The backend. Raises UnusableError where no cluster answers, or no node has what the settings ask for."""
    return OnRay(setting, store)


def _said(data: Any) -> node.Said:
    """A report. Raises ValueError where it is none."""
    if not isinstance(data, bytes):
        raise ValueError("its report is no text")
    found: node.Said = decoded(data, node.Said)
    return found
