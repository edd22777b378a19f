"""What a service counts, in Prometheus' text format."""

import os
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # set before this is imported: several processes are counted together


class Metrics:
    """Counters of one process; with ``FOLDER`` set, what is shown is the sum over all."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        requests = Counter("mlspec_requests", "Requests by path and status.", ["path", "status"], registry=self._own)
        self._requests = requests
        self.seconds = Histogram(
            "mlspec_request_seconds", "From a whole request to its answer.", buckets=BUCKETS, registry=self._own
        )
        self.rows = Counter("mlspec_rows", "Rows that were predicted.", registry=self._own)
        self.refused = Counter("mlspec_refused_rows", "Rows of requests that were refused.", registry=self._own)
        self.to_person = Counter("mlspec_rows_to_person", "Rows that a person should decide.", registry=self._own)
        self.by_table = Counter(
            "mlspec_requests_by_table", "Requests that took the data engine's way.", registry=self._own
        )
        self.lost_labels = Counter("mlspec_lost_labels", "Labels that could not be kept.", registry=self._own)
        self.unlogged = Counter("mlspec_unlogged_rows", "Rows that could not be logged.", registry=self._own)
        self._canary = Counter(
            "mlspec_canary_requests", "Requests that went to a candidate.", ["outcome"], registry=self._own
        )
        self.shadow_dropped = Counter(
            "mlspec_shadow_dropped", "Requests that a shadow was too slow for.", registry=self._own
        )
        newest: Any = {"registry": self._own, "multiprocess_mode": "mostrecent"}
        self._info = Gauge("mlspec_model_info", "1: the model in service.", ["name", "digest"], **newest)
        self.unusable = Gauge("mlspec_stage_unusable", "1: the stage's bundle can't be served.", **newest)
        self._model: tuple[str, str] | None = None
        self._known: dict[tuple[str, int], Counter] = {}

    def serves(self, name: str, digest: str) -> None:
        """This is the model in service from now on."""
        if self._model is not None:
            self._info.labels(*self._model).set(0)
        self._model = name, digest
        self._info.labels(name, digest).set(1)

    def canary(self, outcome: str) -> None:
        """One more request to a candidate: ``answered`` or ``failed``."""
        self._canary.labels(outcome).inc()

    def count(self, path: str, status: int) -> None:
        """One more answer."""
        counter = self._known.get((path, status))
        if counter is None:
            counter = self._known[path, status] = self._requests.labels(path, str(status))
        counter.inc()

    def text(self) -> bytes:
        """The exposition."""
        if FOLDER not in os.environ:
            return prometheus_client.generate_latest(self._own)
        every = CollectorRegistry()
        multiprocess.MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return prometheus_client.generate_latest(every)
