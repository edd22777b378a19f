"""Serves the bundle that a stage of a registry has.

Some processes answer, one reads the ledger for them and judges candidates, and one is for a shadow. Which process does
what is decided by locks, so that any of them that dies is replaced.
"""

import os
import signal
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.api import using
from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from mlspec.release.ledger import Entry
    from mlspec.release.rollout import Rollout
    from mlspec.serving.answering import Answering
    from mlspec.serving.offers import Does, Offer, Trial, Wanted

KEEPER, SHADOW, READY = "keeper", "shadow", "ready"
AGAIN = 10.0  # seconds after which a bundle or a ledger that could not be used is looked at again
JUDGED_EVERY = 2.0  # seconds between two looks at the log of a rollout
EVERY = 0.2  # seconds between two looks at the ledger, each a call of stat
Say = Callable[[str], None]
Mark = tuple[int, int, int]


def serve(
    stage: str, registry: Path, listener: socket.socket, stated: Mapping[str, Any], workers: int, say: Say
) -> int:
    """Serve what the ledger gives to a stage, and follow it, until SIGTERM or SIGINT; the exit code.

    Raises SpecError where the stage has no bundle, or one that is damaged.
    """
    from mlspec.release import ledger
    from mlspec.serving import copies, offers, server
    from mlspec.serving.offers import Wanted

    first = Wanted(offer(registry, _given(ledger.read(registry), stage)))
    with tempfile.TemporaryDirectory(prefix="mlspec-serve-") as name:
        home, (sends, gets) = Path(name), copies.pair(EVERY)
        for folder in (KEEPER, SHADOW, offers.DOES, "tmp"):
            (home / folder).mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = name
        offers.want(home, first)
        started = home / "started"

        def work(ready: Callable[[], None]) -> int:
            from mlspec.diagnostics import render
            from mlspec.store import locks

            if (held := locks.hold_folder(home / KEEPER)) is not None:
                ready()
                Keeper(stage, registry, home, offers.wanted(home), stated, say).run()
                os.close(held)
                return 0
            tempfile.tempdir = str(home / "tmp")  # where a confined process may write
            if (held := locks.hold_folder(home / SHADOW)) is not None:
                ready()
                _shadow(home, gets, stated)
                os.close(held)
                return 0

            def begun(text: str) -> None:
                started.write_text(text)
                ready()

            try:
                return _worker(home, sends, listener, stated, begun)
            except SpecError as error:
                say(render(error.diagnostics, error.texts).rstrip("\n"))
                return 2

        def answering() -> None:
            many = "" if workers == 1 else f", {workers} processes"
            say(f"{started.read_text()}, stage '{stage}'{many}")
            (home / READY).touch()

        return server.supervise(work, workers + 2, answering)


def offer(registry: Path, bundle: str) -> "Offer":
    """A bundle of a registry, all files of which are as they were released. Raises SpecError."""
    from mlspec.release import bundle as bundles
    from mlspec.release import registry as registries
    from mlspec.serving.offers import Offer
    from mlspec.steps.serving import package_format

    folder = registries.folder_of(registry, bundle)
    found = bundles.verify(folder)
    if found.digest != bundle:
        raise bundles.damaged(folder, f"its digest is {found.digest[:12]}")
    package = folder.absolute() / bundles.PACKAGE
    return Offer(bundle, found.bundle.version, str(package), package_format.digest(package))


class Keeper:
    """Reads the ledger, sees that a bundle can be loaded before it is offered, and says what happens."""

    def __init__(
        self, stage: str, registry: Path, home: Path, wanted: "Wanted", stated: Mapping[str, Any], say: Say
    ) -> None:
        self._stage, self._registry, self._home, self._stated, self._print = stage, registry, home, stated, say
        self._lines: deque[str] = deque()
        self._wanted, self._said = wanted, wanted
        self._mark: Mark | None = None
        self._rollout: Rollout | None = None
        self._tried = 0.0
        self._loaded = {wanted.live.bundle}

    def run(self) -> None:
        """Follow the ledger until the parent is gone."""
        parent = os.getppid()
        threading.Thread(target=self._judge, name="mlspec-judge", daemon=True).start()
        while os.getppid() == parent:
            self.turn()
            time.sleep(EVERY)

    def turn(self) -> None:
        """Look at the ledger and do what it says, once."""
        from mlspec.serving import offers

        mark, late = _mark(self._registry), time.monotonic() - self._tried > AGAIN
        if mark != self._mark or (self._wanted.wrong and late):
            self._mark, self._tried = mark, time.monotonic()
            wanted = self._read()
            if wanted != self._wanted:
                self._wanted = wanted
                offers.want(self._home, wanted)
                if wanted.wrong:
                    self._say(f"{wanted.wrong}; {wanted.live.version} stays in service")
        self._tell()

    def _read(self) -> "Wanted":
        """What the ledger says is wanted; what can't be is left as it is."""
        from msgspec.structs import replace

        from mlspec.release import ledger
        from mlspec.serving.offers import Wanted

        before = self._wanted
        try:
            known = ledger.read(self._registry)
            bundle = _given(known, self._stage)
            is_same = bundle == before.live.bundle
            live = before.live if is_same else self._usable(bundle)
            return Wanted(live, before.before if is_same else before.live, self._trial(known.entries))
        except SpecError as error:
            return replace(before, wrong=error.diagnostics[0].message)

    def _trial(self, entries: "Sequence[Entry]") -> "Trial | None":
        """The candidate of the stage; a rollout of one that can't be used is ended."""
        from mlspec.api import releasing
        from mlspec.release import rollout, trials
        from mlspec.serving.offers import Trial

        now = self._rollout = rollout.under_way(entries, self._stage)
        if now is None:
            return None
        if self._stated["log"] is None:
            self._say(f"{now.version} can't be tried without a log: --log FOLDER")
            return None
        try:
            found = self._usable(now.bundle)
        except SpecError as error:
            reason = error.diagnostics[0].message
            trials.step(self._registry, now, "rollout_stopped", f"mlspec serve, {releasing.who()}", reason)
            return None
        canary = now.plan.canary if now.trial == "canary" else None
        return Trial(found) if canary is None else Trial(found, canary.share, canary.key)

    def _judge(self) -> None:
        """Take a rollout further, as long as there is one; a tenth of the time at most goes into it."""
        from mlspec.api import rollouts

        begun, looked, wrong = None, 0, ""
        while True:
            start = time.thread_time()
            try:
                now = self._rollout
                if now is not None and self._stated["log"] is not None:
                    looked = looked if now == begun else 0
                    begun, log = now, Path(self._stated["log"])
                    looked = rollouts.advance(
                        self._registry, now, log, self._stated["labels"], datetime.now(UTC), looked
                    )
                wrong = ""
            except (SpecError, OSError, ValueError) as error:
                said = error.diagnostics[0].message if isinstance(error, SpecError) else str(error)
                if said != wrong:
                    self._say(f"the rollout can't be judged: {said}")
                wrong = said
            time.sleep(max(JUDGED_EVERY, 10 * (time.thread_time() - start)))

    def _usable(self, bundle: str) -> "Offer":
        """A bundle that was loaded before, in a process of its own where it brings no code along. Raises SpecError."""
        from mlspec.steps.serving import package_format

        found = offer(self._registry, bundle)
        if bundle not in self._loaded:
            if not package_format.brings_code(package_format.read_about(Path(found.package))):
                using.load_model(found.package)
            self._loaded.add(bundle)
        return found

    def _say(self, text: str) -> None:
        """To be said behind the start line."""
        self._lines.append(f"{self._stage}: {text}")

    def _tell(self) -> None:
        """Say what happened, and what is wanted once all processes serve it, or that one can't."""
        from mlspec.serving import offers

        if not (self._home / READY).exists():
            return
        while self._lines:
            self._print(self._lines.popleft())
        if self._said == self._wanted:
            return
        said, live, trial = self._wanted, self._wanted.live, self._wanted.trial
        processes = [one for one in offers.done(self._home).values() if one.live]
        wrong = next((one.wrong for one in processes if one.wrong), "")
        if wrong:
            self._say(f"{live.version} can't be served by every process: {wrong}")
        elif not all(_does(one, self._wanted) for one in processes):
            return
        elif self._said.live != live:
            self._say(f"now serving {live.version} (model {live.model[:12]})")
        if trial is not None and trial != self._said.trial:
            as_what = "as a shadow" if trial.share is None else f"as a canary for {trial.share:g} of the keys"
            self._say(f"trying {trial.offer.version} {as_what}")
        elif trial is None and self._said.trial is not None and self._said.trial.offer != live:
            self._say(f"{self._said.trial.offer.version} is tried no more")
        self._said = said


def _worker(home: Path, sends: socket.socket, listener: socket.socket, stated: Mapping[str, Any], begun: Say) -> int:
    """Answer requests by what is wanted, until a signal."""
    from mlspec.api.service import Service
    from mlspec.serving import copies, offers
    from mlspec.serving.app import Canary
    from mlspec.serving.follow import Follower

    wanted = offers.wanted(home)
    live = wanted.live
    try:
        service = Service(Path(live.package).parent, stated, homes=(str(home),))
    except SpecError:
        if wanted.before is None:
            raise
        live = wanted.before
        service = Service(Path(live.package).parent, stated, homes=(str(home),))
    send = copies.sender(sends, service.metrics.shadow_dropped.inc)

    def apply(wanted: "Wanted", model: "Answering", trial: "Trial | None", candidate: "Answering | None") -> None:
        canary = None if trial is None or candidate is None else Canary(candidate, trial.key, trial.takes)
        is_shadowed = wanted.trial is not None and wanted.trial.share is None
        service.app.serve(model, canary, send if is_shadowed else None)
        service.metrics.unusable.set(bool(wanted.wrong))

    follower = Follower(home, live, service.model, load=service.loader.offered, apply=apply)
    try:
        return service.answer(listener, begun)
    finally:
        follower.end()


def _shadow(home: Path, gets: socket.socket, stated: Mapping[str, Any]) -> None:
    """Answer copies of requests by the candidate, until SIGTERM."""
    from mlspec.api.service import Loader
    from mlspec.serving import location, shadow
    from mlspec.serving.offers import wanted
    from mlspec.serving.request_log import RequestLog

    ended, parent = [], os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    if stated["log"] is None:
        while not ended and os.getppid() == parent:
            time.sleep(EVERY)  # a rollout needs a log: there is nothing to do
        return
    folder = Path(wanted(home).live.package).parent
    served = location.found(folder)
    loader = Loader(folder, served, stated, homes=(str(home),))
    loader.confine()
    log = RequestLog(Path(stated["log"]), served.log, lambda _rows: None)
    most = stated["limits"].get("max_rows", served.serve.max_rows)
    shadow.run(home, gets, load=loader.offered, log=log, max_rows=most, ended=lambda: bool(ended))
    log.close()


def _does(process: "Does", wanted: "Wanted") -> bool:
    trial = wanted.trial if wanted.trial is not None and wanted.trial.share is not None else None
    return (process.live, process.trial) == (wanted.live.bundle, "" if trial is None else trial.offer.bundle)


def _given(known: Any, stage: str) -> str:
    from mlspec.release import registry as registries

    now = registries.now_in(known.entries, stage)
    if now is None:
        listed = ", ".join(registries.stages(known.entries)) or "none"
        message = f"stage '{stage}' has no bundle"
        raise SpecError([Diagnostic(code="unknown-stage", message=message, notes=(f"stages: {listed}",))])
    return now.bundle


def _mark(registry: Path) -> Mark | None:
    """What changes whenever the ledger does."""
    from mlspec.release import ledger

    try:
        found = os.stat(registry / ledger.FILE)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
