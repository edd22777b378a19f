"""What a process of Ray's keeps from one step to the next: whatever does the steps."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

IDLE = 30.0  # seconds without a step after which it ends
WATCH = 0.5  # seconds between two looks whether it is wanted


class Doer(Protocol):
    """Does one step after the other."""

    def alive(self) -> bool:
        """Whether it can be handed a step."""

    def end(self) -> None:
        """End it with all that it has started."""


D = TypeVar("D", bound=Doer)


class Warm(Generic[D]):
    """The one that has nothing to do; it ends after a while, and when it is wanted no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: Hashable = None
        self._doer: D | None = None
        self._kept = 0

    def take(self, key: Hashable) -> D | None:
        """It, where it does steps of this kind and lives; one that does not is ended."""
        with self._lock:
            doer, self._doer = self._doer, None
            if doer is not None and (self._key != key or not doer.alive()):
                doer.end()
                return None
            return doer

    def keep(self, key: Hashable, doer: D, wanted: Callable[[], bool]) -> None:
        """Keep one that has ended its step."""
        with self._lock:
            self._key, self._doer = key, doer
            self._kept += 1
        threading.Thread(target=self._watch, args=(self._kept, wanted), daemon=True).start()

    def _watch(self, kept: int, wanted: Callable[[], bool]) -> None:
        """End it when it is time, unless it was taken."""
        until = time.monotonic() + IDLE
        while True:
            over = time.monotonic() > until or not wanted()
            with self._lock:
                if self._doer is None or self._kept != kept:
                    return
                if over:
                    doer, self._doer = self._doer, None
                    doer.end()
                    return
            time.sleep(WATCH)
