"""A process of a service follows what is wanted of it: it loads models in the background, and swaps them."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from mlspec.serving import offers
from mlspec.serving.answering import Answering
from mlspec.serving.offers import Does, Offer, Trial, Wanted

EVERY = 0.2  # seconds between two looks at the file, each a call of stat

Load = Callable[[Offer], Answering]
Apply = Callable[[Wanted, Answering, Trial | None, Answering | None], None]


class Follower:
    """Loads what is wanted by ``load``, and hands it to ``apply``: the model in service, and a candidate that answers
    requests, if there is one. Ends the process when its parent is gone.

    The model that was in service before stays loaded, so that a rollback is served at once.
    """

    def __init__(self, home: Path, live: Offer, model: Answering, *, load: Load, apply: Apply) -> None:
        self._home, self._load, self._apply = home, load, apply
        self._live, self._models = live, {live.bundle: model}
        self._seen = (0, 0)
        self._parent = os.getppid()
        self._ended = threading.Event()
        self.look()
        self._thread = threading.Thread(target=self._follow, name="mlspec-follow", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Follow no more."""
        self._ended.set()
        self._thread.join()

    def look(self) -> None:
        """Do what is wanted now, where that has changed."""
        mark = offers.mark(self._home)
        if mark == self._seen:
            return
        self._seen, wanted = mark, offers.wanted(self._home)
        wrong = self._fetch(wanted.live)
        if not wrong:
            self._live = wanted.live
        trial = None if wanted.trial is None or wanted.trial.share is None else wanted.trial
        if trial is not None and (reason := self._fetch(trial.offer)):
            trial, wrong = None, wrong or reason
        tried = "" if trial is None else trial.offer.bundle
        self._apply(wanted, self._models[self._live.bundle], trial, self._models.get(tried))
        kept = {self._live.bundle, tried, "" if wanted.before is None else wanted.before.bundle}
        self._models = {bundle: model for bundle, model in self._models.items() if bundle in kept}
        offers.say(self._home, Does(self._live.bundle, tried, wrong))

    def _fetch(self, offer: Offer) -> str:
        """Load a model; why that can't be done, else empty."""
        if offer.bundle not in self._models:
            try:
                self._models[offer.bundle] = self._load(offer)
            except BaseException as error:  # whatever a library raises: the model in service stays
                return f"{type(error).__name__}: {error}"
        return ""

    def _follow(self) -> None:
        while not self._ended.wait(EVERY):
            if os.getppid() != self._parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            with contextlib.suppress(OSError, ValueError):
                self.look()
