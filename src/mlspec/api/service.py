"""A service in this process: what loads its models, and what answers by them."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mlspec.api import using
from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from mlspec.serving.location import Served
    from mlspec.serving.model import Model
    from mlspec.serving.offers import Offer


class Loader:
    """Loads models into this process, and confines it. ``homes``: the folders that it may write to, beside the log."""

    def __init__(self, served: "Served", stated: Mapping[str, Any], homes: Sequence[str]) -> None:
        self._served, self._trust_code, self._homes = served, stated["trust_code"], homes
        self._kept = [stated[name] for name in ("log", "labels") if stated[name] is not None]

    def confine(self) -> bool:
        """Let this process write nowhere else from now on, and connect nowhere."""
        from mlspec.machine import landlock

        return landlock.confine(read=("/",), write=("/dev/null", *self._homes, *self._kept))

    def first(self) -> "Model":
        """The model of the folder; the process is confined. Raises SpecError."""
        os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")  # it would look for semaphores, which confinement forbids
        return self._model(self._served.folder, self.confine)

    def offered(self, offer: "Offer") -> "Model":
        """A further model. Raises SpecError where it can't be loaded, or is another than was offered."""
        model = self._model(Path(offer.package), lambda: None)
        if model.digest != offer.model:
            message = f"'{offer.package}' has changed since it was checked"
            raise SpecError([Diagnostic(code="package-damaged", message=message)])
        return model

    def _model(self, folder: Path, confine: Callable[[], object]) -> "Model":
        from mlspec.serving.model import Model

        package = using.load_here(folder, trust_code=self._trust_code, confine=confine)
        return Model(package, folder, self._served.name, by_table(package))


class Service:
    """A model that is loaded and ready to answer. Raises SpecError where it can't be loaded."""

    def __init__(self, folder: Path, stated: Mapping[str, Any], *, homes: Sequence[str]) -> None:
        from mlspec.serving import location
        from mlspec.serving.app import App
        from mlspec.serving.feedback import Feedback
        from mlspec.serving.metrics import Metrics
        from mlspec.serving.request_log import RequestLog

        served = location.found(folder)
        self._limits = msgspec.structs.replace(served.serve, **stated["limits"])
        log, labels = (None if stated[name] is None else Path(stated[name]) for name in ("log", "labels"))
        for kept in (log, labels):
            if kept is not None:
                kept.mkdir(parents=True, exist_ok=True)
        self.loader = Loader(served, stated, homes)
        self.model = self.loader.first()
        self.metrics = Metrics()
        self.app = App(
            self.model,
            max_rows=self._limits.max_rows,
            timeout=self._limits.timeout,
            tokens=stated["admitted"],
            metrics=self.metrics,
            log=None if log is None else RequestLog(log, served.log, self.metrics.unlogged.inc),
            feedback=None if labels is None else Feedback(labels, served.labels, self.metrics.lost_labels.inc),
        )

    def answer(self, listener: socket.socket, say: Callable[[str], None]) -> int:
        """Answer until a signal ends it; the exit code. ``say`` gets the start line."""
        from mlspec.serving import server
        from mlspec.serving.guard import Bounds

        (host, port), model, limits = listener.getsockname()[:2], self.model, self._limits
        way = f"rows by the data engine ({model.why_not})" if model.why_not else "rows at once"
        shown = f"[{host}]" if ":" in host else host
        say(f"serving {model.name} (model {model.digest[:12]}, {way}) at http://{shown}:{port}")

        def draining() -> None:
            self.app.ready = False

        bounds = Bounds(max_body=limits.max_body, timeout=limits.timeout, concurrency=limits.concurrency)
        server.run(self.app, bounds, listener, draining=draining)
        self.app.close()
        return 0


def by_table(package: Any) -> "Callable[[list[Any]], Any]":
    """What answers rows by the rules of ``api.predict``."""
    from mlspec.api import frames, new_data, prediction
    from mlspec.serving.model import ByTable
    from mlspec.serving.refusal import Refused

    def answer(rows: list[Any]) -> ByTable:
        try:
            found = prediction.predict(package, rows, on_error="skip")
        except SpecError as error:
            raise Refused(422, error.diagnostics[0].code, error.diagnostics[0].message) from None
        read = lambda: new_data.from_frame(frames.given(rows), package, ()).rows.to_dicts()  # noqa: E731
        return ByTable(found.rows, found.refused, found.notes, read)

    return answer
