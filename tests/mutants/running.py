"""Mutants against tests in one warm process: the tests are collected once, and each mutant is a fork that runs those
of them that reach its line, the quickest first, until one fails."""

import contextlib
import importlib
import json
import os
import random
import selectors
import shutil
import signal
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import changes
import pytest
from _pytest.runner import runtestprotocol

LONGEST = 60.0  # seconds that the tests of one mutant may take, before it counts as killed
PASSED, FAILED = 0, 1


class Outcome(NamedTuple):
    """What came of a mutant: "killed", "survived", or "unreached" where no test runs its line."""

    module: str
    mutant: changes.Mutant
    outcome: str


class Seen(NamedTuple):
    """A test without mutants: its seconds, and the lines that it ran by the module's file."""

    seconds: float
    lines: dict[str, set[int]]


class Mutants:
    """A pytest plug-in that runs mutants of some modules in place of the tests."""

    def __init__(self, modules: list[str], options: Namespace, said: Callable[[str], None]) -> None:
        self._modules, self._options, self._said = modules, options, said
        self.outcomes: list[Outcome] = []

    def pytest_configure(self) -> None:
        """Hypothesis draws the same examples each time."""
        from hypothesis import settings

        settings.register_profile("mutants", database=None, derandomize=True, deadline=None)
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of running the tests."""
        modules = {name: importlib.import_module(name) for name in self._modules}
        seen = _baseline(session, [str(module.__file__) for module in modules.values()])
        self._said(f"{len(seen)} of {len(session.items)} tests pass and reach a module")
        work = []
        for name, module in modules.items():
            source = Path(str(module.__file__)).read_text(encoding="utf-8")
            made = list(changes.mutants(source))
            work += [
                (name, module, one)
                for one in random.Random(self._options.seed).sample(made, min(self._options.most, len(made)))
            ]
        for (name, _module, one), outcome in _each(session, work, seen, self._options.jobs):
            self.outcomes.append(Outcome(name, one, outcome))
            if outcome != "killed":
                self._said(f"{outcome}: {name}:{one.line} {one.where or '(module)'}: {one.what}")
        return True


Work = tuple[str, ModuleType, changes.Mutant]


def _each(session: pytest.Session, work: list[Work], seen: dict[int, Seen], jobs: int) -> Iterator[tuple[Work, str]]:
    waiting, running = list(reversed(work)), {}
    with selectors.DefaultSelector() as ready:
        while waiting or running:
            while waiting and len(running) < jobs:
                one = waiting.pop()
                tests = _reaching(one, seen)
                if not tests:
                    yield one, "unreached"
                    continue
                folder = tempfile.mkdtemp(prefix="mutant-")
                process = os.fork()
                if process == 0:
                    os.setsid()
                    os._exit(_child(session, one, tests, folder))
                handle = os.pidfd_open(process)
                running[handle] = one, process, time.monotonic() + LONGEST, folder
                ready.register(handle, selectors.EVENT_READ)
            ended = {key.fd for key, _ in ready.select(timeout=1)}
            for handle in list(running):
                one, process, deadline, folder = running[handle]
                if handle not in ended and time.monotonic() < deadline:
                    continue
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
                _pid, status = os.waitpid(process, 0)
                ready.unregister(handle)
                os.close(handle)
                del running[handle]
                shutil.rmtree(folder, ignore_errors=True)
                survived = os.WIFEXITED(status) and os.WEXITSTATUS(status) == PASSED
                yield one, "survived" if survived else "killed"


def _reaching(work: Work, seen: dict[int, Seen]) -> list[int]:
    """The tests that run the line of a mutant, the quickest first; all of them for what runs at import."""
    _name, module, mutant = work
    file = str(module.__file__)
    reaching = [
        index for index, one in seen.items()
        if mutant.line in one.lines.get(file, ()) or (not mutant.where and file in one.lines)
    ]  # fmt: skip
    return sorted(reaching, key=lambda index: seen[index].seconds)


def _child(session: pytest.Session, work: Work, tests: list[int], folder: str) -> int:
    _name, module, mutant = work
    session.config._tmp_path_factory._basetemp = Path(folder)  # type: ignore[attr-defined]
    try:
        apply(module, mutant)
    except Exception:
        return FAILED  # what can't be imported fails every test
    items = [session.items[index] for index in tests]
    passed = all(_passes(item, following) for item, following in zip(items, [*items[1:], None], strict=True))
    return PASSED if passed else FAILED


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    reports = runtestprotocol(item, log=False, nextitem=following)
    return all(report.outcome == "passed" for report in reports)


def apply(module: ModuleType, mutant: changes.Mutant) -> None:
    """Put a mutant in a module's place: in functions that others have imported already, and, for what is outside of all
    functions, in every module that has the value."""
    fresh = ModuleType(module.__name__)
    fresh.__dict__.update(__file__=module.__file__, __package__=module.__package__, __spec__=module.__spec__)
    registered = sys.modules[module.__name__]
    sys.modules[module.__name__] = fresh  # where classes look for the names in their annotations
    try:
        exec(compile(mutant.tree(), str(module.__file__), "exec", dont_inherit=True), fresh.__dict__)
    finally:
        sys.modules[module.__name__] = registered
    _transplant(vars(module), vars(fresh))
    if mutant.where:
        return
    for name, old in list(vars(module).items()):
        new = vars(fresh).get(name)
        if name.startswith("__") or isinstance(old, type | ModuleType | FunctionType) or new is None:
            continue
        for other in [one for one in sys.modules.values() if isinstance(one, ModuleType)]:
            if vars(other).get(name) is old:
                setattr(other, name, new)


def _transplant(old: Any, new: Any) -> None:
    for name, one in list(old.items()):
        other = new.get(name)
        if other is None or type(one) is not type(other):
            continue
        if isinstance(one, type) and one.__module__ == other.__module__:
            _transplant(vars(one), vars(other))
        for mine, theirs in zip(_functions(one), _functions(other), strict=False):
            if mine.__module__ == theirs.__module__ and mine.__code__.co_freevars == theirs.__code__.co_freevars:
                mine.__code__, mine.__defaults__ = theirs.__code__, theirs.__defaults__
                mine.__kwdefaults__ = theirs.__kwdefaults__


def _functions(value: Any) -> list[FunctionType]:
    """The functions in a value: behind decorators, properties and class methods."""
    found: list[FunctionType] = []
    for one in (value, getattr(value, "__func__", None), getattr(value, "fget", None)):
        while one is not None:
            if isinstance(one, FunctionType) and one not in found:
                found.append(one)
            one = getattr(one, "__wrapped__", None)
    return found


def _baseline(session: pytest.Session, files: list[str]) -> dict[int, Seen]:
    """Every test without a mutant, in a fork of its own: what it runs of the modules. Failing tests are left out."""
    reader, writer = os.pipe()
    folder = tempfile.mkdtemp(prefix="mutants-")
    process = os.fork()
    if process == 0:
        os.close(reader)
        session.config._tmp_path_factory._basetemp = Path(folder)  # type: ignore[attr-defined]
        with os.fdopen(writer, "w") as out:
            for index, (item, following) in enumerate(zip(session.items, [*session.items[1:], None], strict=True)):
                lines, seconds, passed = _traced(item, following, frozenset(files))
                if passed and lines:
                    kept = {file: sorted(numbers) for file, numbers in lines.items()}
                    out.write(json.dumps([index, seconds, kept]) + "\n")
                elif not passed:
                    print(f"left out, it fails without mutants: {item.nodeid}", file=sys.__stderr__)
                out.flush()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        found = {
            index: Seen(seconds, {file: set(numbers) for file, numbers in lines.items()})
            for index, seconds, lines in map(json.loads, told)
        }
    os.waitpid(process, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _traced(
    item: pytest.Item, following: pytest.Item | None, files: frozenset[str]
) -> tuple[dict[str, set[int]], float, bool]:
    lines: dict[str, set[int]] = {}
    known: dict[CodeType, bool] = {}

    def local(frame: FrameType, event: str, _argument: Any) -> Any:
        lines.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
        return local

    def called(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in known:
            known[code] = code.co_filename in files
        return local(frame, event, argument) if known[code] else None

    start = time.monotonic()
    threading.settrace(called)
    sys.settrace(called)
    try:
        passed = _passes(item, following)
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
    return lines, time.monotonic() - start, passed
