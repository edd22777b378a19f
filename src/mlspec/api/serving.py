"""Serves a model: what ``mlspec serve`` starts, in this process or in several."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LIBRARIES = ("uvicorn", "httptools", "prometheus_client")


class Address(NamedTuple):
    """Where to listen, and whether every client there is served without a token."""

    host: str = "127.0.0.1"
    port: int = 8080
    without_token: bool = False


def serve(
    model: str | os.PathLike[str] | None,
    address: Address,
    *,
    registry: str | os.PathLike[str] | None = None,
    workers: int = 1,
    token_file: str | None = None,
    log: str | None = None,
    labels: str | None = None,
    limits: Mapping[str, Any],
    trust_code: bool = False,
    format: Literal["native", "onnx"] = "native",  # noqa: A002 (the option's name)
    say: Callable[[str], None],
) -> int:
    """Serve a model until SIGTERM or SIGINT; the exit code. ``model`` may be a stage of a registry, whose bundle is
    then followed. ``limits``: those of ``operation.serve`` and ``operation.log`` that are stated otherwise. ``format``:
    ``onnx`` serves the ONNX file of a bundle. ``say`` gets the start line, once requests are answered.

    Raises SpecError where there is no such model, or it may not be served so.
    """
    _libraries()
    from mlspec.serving import server, tokens

    admitted = tokens.read(token_file)
    if address.host not in LOOPBACK and not admitted and not address.without_token:
        raise SpecError(
            [
                Diagnostic(
                    code="open-without-token",
                    message=f"{address.host} can be reached from other machines, and no token is asked for",
                    notes=(
                        f"--token-file FILE, or the variable {tokens.VARIABLE}, states tokens",
                        "--without-token serves every client, for instance behind a proxy that authenticates them",
                    ),
                )
            ]
        )
    try:
        listener = server.listen(address.host, address.port)
    except OSError as error:
        text = (error.strerror or str(error)).lower()
        message = f"{address.host}:{address.port} can't be listened at: {text}"
        raise SpecError([Diagnostic(code="address-unavailable", message=message)]) from None
    stated = {
        "model": model,
        "log": log,
        "labels": labels,
        "limits": limits,
        "trust_code": trust_code,
        "admitted": admitted,
        "format": format,
    }
    if (home := _registry(model, registry)) is not None:
        from mlspec.api import stage_serving

        return stage_serving.serve(str(model), home, listener, stated, workers, say)
    if workers == 1:
        return _answer(listener, stated, say)
    return _several(listener, stated, workers, say)


def _several(listener: socket.socket, stated: Mapping[str, Any], workers: int, say: Callable[[str], None]) -> int:
    import tempfile

    from mlspec.serving import server

    with tempfile.TemporaryDirectory(prefix="mlspec-serve-") as home:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = home
        first = Path(home, "started")

        def work(ready: Callable[[], None]) -> int:
            def started(text: str) -> None:
                first.write_text(text)
                ready()

            try:
                return _answer(listener, stated, started)
            except SpecError as error:
                from mlspec.diagnostics import render

                say(render(error.diagnostics, error.texts).rstrip("\n"))
                return 2

        return server.supervise(work, workers, lambda: say(f"{first.read_text()}, {workers} processes"))


def _answer(listener: socket.socket, stated: Mapping[str, Any], say: Callable[[str], None]) -> int:
    """Load the model and answer until a signal ends it."""
    homes = [os.environ[name] for name in ("PROMETHEUS_MULTIPROC_DIR",) if name in os.environ]
    return Service(_folder(stated["model"]), stated, homes=homes).answer(listener, say)


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


def _folder(model: str | os.PathLike[str] | None) -> Path:
    from mlspec.serving.location import BUNDLE

    if model is not None and Path(model, BUNDLE).is_file():
        return Path(model)
    return using.folder_of(model)


def _registry(model: str | os.PathLike[str] | None, stated: str | os.PathLike[str] | None) -> Path | None:
    """The registry of a stage, None where ``model`` is a folder: of a name that no file has, that of the spec here."""
    from mlspec.api import releasing
    from mlspec.release import ledger, registry

    if stated is not None:
        return Path(stated)
    if model is None or os.path.lexists(model) or os.sep in os.fspath(model):
        return None
    try:
        home = releasing.registry_folder()
        return home if os.fspath(model) in registry.stages(ledger.read(home).entries) else None
    except SpecError:
        return None  # there is no project here: what is wrong with the name is said by what looks for a model


def _libraries() -> None:
    """Raises SpecError where the extra is not installed."""
    import importlib.util

    lacking = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if lacking:
        message = f"serving needs {', '.join(lacking)}"
        note = "pip install 'mlspec-compiler[serve]'"
        raise SpecError([Diagnostic(code="library-not-installed", message=message, notes=(note,))])
