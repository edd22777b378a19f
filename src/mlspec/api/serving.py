"""Serves a model: what ``mlspec serve`` starts, in this process or in several."""

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mlspec.api import using
from mlspec.diagnostics import Diagnostic, SpecError

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
    from mlspec.api.service import Service

    homes = [os.environ[name] for name in ("PROMETHEUS_MULTIPROC_DIR",) if name in os.environ]
    return Service(_folder(stated["model"]), stated, homes=homes).answer(listener, say)


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
