"""Serves a model: what ``mlspec serve`` starts, in this process or in several."""

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from mlspec.api import using
from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from mlspec.serving.answering import Answering
    from mlspec.serving.location import Served

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
    workers: int = 1,
    token_file: str | None = None,
    log: str | None = None,
    limits: Mapping[str, Any],
    trust_code: bool = False,
    format: Literal["native", "onnx"] = "native",  # noqa: A002 (the option's name)
    say: Callable[[str], None],
) -> int:
    """Serve a model until SIGTERM or SIGINT; the exit code. ``limits``: those of ``operation.serve`` and
    ``operation.log`` that are stated otherwise. ``format``: ``onnx`` serves the ONNX file of a bundle. ``say`` gets
    the start line, once requests are answered.

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
    stated = {"model": model, "log": log, "limits": limits, "trust_code": trust_code, "admitted": admitted}
    stated["format"] = format
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
    from mlspec.machine import landlock
    from mlspec.serving import location, server
    from mlspec.serving.app import App
    from mlspec.serving.guard import Bounds
    from mlspec.serving.metrics import Metrics

    served = location.found(_folder(stated["model"]))
    limits = msgspec.structs.replace(served.serve, **stated["limits"])
    log = None if stated["log"] is None else Path(stated["log"])
    if log is not None:
        log.mkdir(parents=True, exist_ok=True)
    homes = [os.environ[name] for name in ("PROMETHEUS_MULTIPROC_DIR",) if name in os.environ]

    def confine() -> bool:
        return landlock.confine(read=("/",), write=("/dev/null", *homes, *([] if log is None else [str(log)])))

    if stated["format"] == "onnx":
        model, way = _of_onnx(_folder(stated["model"]), served, confine)
    else:
        model, way = _native(served, stated["trust_code"], confine)
    metrics = Metrics(model.name, model.digest)
    kept = None
    if log is not None:
        from mlspec.serving.request_log import RequestLog

        kept = RequestLog(log, model, served.log, metrics.unlogged.inc)
    app = App(
        model,
        max_rows=limits.max_rows,
        timeout=limits.timeout,
        tokens=stated["admitted"],
        metrics=metrics,
        log=kept,
    )
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(f"serving {model.name} (model {model.digest[:12]}, {way}) at http://{shown}:{port}")

    def draining() -> None:
        app.ready = False

    bounds = Bounds(max_body=limits.max_body, timeout=limits.timeout, concurrency=limits.concurrency)
    server.run(app, bounds, listener, draining=draining)
    app.close()
    return 0


def _native(served: "Served", trust_code: bool, confine: Callable[[], bool]) -> "tuple[Answering, str]":
    """The model of a package, and how it answers rows."""
    from mlspec.serving.model import Model

    os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")  # it would look for semaphores, which confinement forbids
    package = using.load_here(served.folder, trust_code=trust_code, confine=confine)
    model = Model(package, served.folder, served.name, by_table(package))
    return model, f"rows by the data engine ({model.why_not})" if model.why_not else "rows at once"


def _of_onnx(folder: Path, served: "Served", confine: Callable[[], bool]) -> "tuple[Answering, str]":
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
    for name in (bundle.ONNX, f"{bundle.PACKAGE}/{package_format.ABOUT}"):
        bundle.check(folder, name, about.files[name])
    return OnnxModel(served.folder, folder / bundle.ONNX, served.name), "the ONNX file"


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


def _libraries() -> None:
    """Raises SpecError where the extra is not installed."""
    import importlib.util

    lacking = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if lacking:
        message = f"serving needs {', '.join(lacking)}"
        note = "pip install 'mlspec-compiler[serve]'"
        raise SpecError([Diagnostic(code="library-not-installed", message=message, notes=(note,))])
