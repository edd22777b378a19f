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
    from mlspec.serving.answering import Answering
    from mlspec.serving.feedback import Feedback
    from mlspec.serving.location import Served
    from mlspec.serving.metrics import Metrics
    from mlspec.serving.offers import Offer
    from mlspec.serving.request_log import RequestLog


class Loader:
    """Loads models into this process, and confines it. ``homes``: the folders that it may write to, beside the log."""

    def __init__(self, folder: Path, served: "Served", stated: Mapping[str, Any], homes: Sequence[str]) -> None:
        self._folder, self._served, self._homes = folder, served, homes
        self._trust_code, self._is_onnx = stated["trust_code"], stated["format"] == "onnx"
        self._kept = [stated[name] for name in ("log", "labels") if stated[name] is not None]

    def confine(self) -> bool:
        """Let this process write nowhere else from now on, and connect nowhere."""
        from mlspec.machine import landlock

        return landlock.confine(read=("/",), write=("/dev/null", *self._homes, *self._kept))

    def first(self) -> "Answering":
        """The model of the folder; the process is confined. Raises SpecError."""
        return self._model(self._folder, self._served.folder, self.confine)

    def offered(self, offer: "Offer") -> "Answering":
        """A further model. Raises SpecError where it can't be loaded, or is another than was offered."""
        model = self._model(Path(offer.package).parent, Path(offer.package), lambda: None)
        if model.digest != offer.model:
            message = f"'{offer.package}' has changed since it was checked"
            raise SpecError([Diagnostic(code="package-damaged", message=message)])
        return model

    def _model(self, bundle: Path, package: Path, confine: Callable[[], object]) -> "Answering":
        if self._is_onnx:
            return _of_onnx(bundle, package, self._served.name, confine)
        return _native(package, self._served.name, self._trust_code, confine)


class Service:
    """A model that is loaded and ready to answer. Raises SpecError where it can't be loaded."""

    def __init__(self, folder: Path, stated: Mapping[str, Any], *, homes: Sequence[str]) -> None:
        from mlspec.serving import location
        from mlspec.serving.app import App
        from mlspec.serving.metrics import Metrics

        served = location.found(folder)
        self._limits = msgspec.structs.replace(served.serve, **stated["limits"])
        log, labels = (None if stated[name] is None else Path(stated[name]) for name in ("log", "labels"))
        for kept in (log, labels):
            if kept is not None:
                kept.mkdir(parents=True, exist_ok=True)
        self.loader = Loader(folder, served, stated, homes)
        self.model = self.loader.first()
        self.metrics = Metrics()
        self.app = App(
            self.model,
            max_rows=self._limits.max_rows,
            timeout=self._limits.timeout,
            tokens=stated["admitted"],
            metrics=self.metrics,
            log=None if log is None else _log(log, served, self.metrics),
            feedback=None if labels is None else _feedback(labels, served, self.metrics),
        )

    def answer(self, listener: socket.socket, say: Callable[[str], None]) -> int:
        """Answer until a signal ends it; the exit code. ``say`` gets the start line."""
        from mlspec.serving import server
        from mlspec.serving.guard import Bounds

        (host, port), model, limits = listener.getsockname()[:2], self.model, self._limits
        shown = f"[{host}]" if ":" in host else host
        say(f"serving {model.name} (model {model.digest[:12]}, {model.way}) at http://{shown}:{port}")

        def draining() -> None:
            self.app.ready = False

        bounds = Bounds(max_body=limits.max_body, timeout=limits.timeout, concurrency=limits.concurrency)
        server.run(self.app, bounds, listener, draining=draining)
        self.app.close()
        return 0


def _log(folder: Path, served: "Served", metrics: "Metrics") -> "RequestLog":
    from mlspec.serving.request_log import RequestLog

    return RequestLog(folder, served.log, metrics.unlogged.inc)


def _feedback(folder: Path, served: "Served", metrics: "Metrics") -> "Feedback":
    from mlspec.serving.feedback import Feedback

    return Feedback(folder, served.labels, metrics.lost_labels.inc)


def _native(folder: Path, name: str, trust_code: bool, confine: Callable[[], object]) -> "Answering":
    """The model of a package."""
    from mlspec.serving.model import Model

    os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")  # it would look for semaphores, which confinement forbids
    package = using.load_here(folder, trust_code=trust_code, confine=confine)
    return Model(package, folder, name, by_table(package))


def _of_onnx(folder: Path, package: Path, name: str, confine: Callable[[], object]) -> "Answering":
    """The ONNX file of a bundle, whose digest has to be the listed one. Raises SpecError where there is none."""
    from mlspec.release import bundle
    from mlspec.rules.library_not_installed import demand_onnx
    from mlspec.serving.onnx_model import OnnxModel
    from mlspec.steps.serving import package_format

    demand_onnx()
    if not bundle.is_bundle(folder):
        message, note = f"'{folder}' is no bundle: only a release has an ONNX file", "mlspec release makes one"
        raise SpecError([Diagnostic(code="onnx-unusable", message=message, notes=(note,))])
    about, _content = bundle.read(folder)
    if bundle.ONNX not in about.files:
        message, note = (
            f"'{folder}' was released without an ONNX file",
            "operation: {release: {formats: [native, onnx]}}",
        )
        raise SpecError([Diagnostic(code="onnx-unusable", message=message, notes=(note,))])
    confine()
    for file in (bundle.ONNX, f"{bundle.PACKAGE}/{package_format.ABOUT}"):
        bundle.check(folder, file, about.files[file])
    return OnnxModel(package, folder / bundle.ONNX, name)


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
