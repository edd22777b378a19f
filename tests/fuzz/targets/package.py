"""Exported models: what a folder says of itself, of its preparation, and the files of weights.

The digests are those of the files, unless the input says to keep those that it has.
"""

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import wild
from inputs import fresh
from judge import Hang

from mlspec import api
from mlspec.api.using import refused
from mlspec.diagnostics import StepError
from mlspec.steps.serving import isolated_worker, package, package_format
from mlspec.steps.serving.package_format import PackageError

SHARE, TRACED = 20, False
KEYS = (
    "candidate", "model", "columns", "target", "task", "classes", "positive", "threshold", "abstain_below", "members",
    "derived", "treatments", "keys", "personal", "groups", "calibration", "stages", "levels", "center", "width", "name",
    "type", "weight", "files", "version", "curves", "least", "x", "y", "slope", "offset", "thresholds",
)  # fmt: skip
KEPT = "digests are kept"
OTHER = ("model/sklearn.py", "../x", "members/0/state.json", "/x", "a/../b", "model", "package.json", "x" * 300)


def is_held(_data: bytes) -> bool:
    """Always: a model of a stranger is loaded, and answers, in a process of its own."""
    return True


def seeds() -> list[bytes]:
    """None but those of the corpus, which runs have written."""
    return []


def mutate(data: bytes, chance: Random) -> bytes:
    """One of the files: JSON by its values, others by their bytes; names too."""
    try:
        files: dict[str, Any] = json.loads(data)
        name = chance.choice(sorted(name for name in files if name != KEPT))
        content = _bytes(files[name])
    except (ValueError, TypeError, IndexError, AttributeError, RecursionError):
        return wild.raw(data, chance)
    way = chance.random()
    if way < 0.03:
        files[KEPT] = ""
    elif way < 0.06:
        files[chance.choice(OTHER)] = files.pop(name)
    else:
        by_value = name.endswith(".json") and chance.random() < 0.9
        files[name] = _text(wild.json_of(content, chance, KEYS) if by_value else wild.raw(content, chance))
    return json.dumps(files).encode()


class _Here(package.LoadedModel):
    """A model that answers in this process what ``isolated`` would be answered by another."""

    def __init__(self, folder: Path) -> None:
        super().__init__(package_format.read_about(folder))
        if package_format.brings_code(self.about):
            raise PackageError("it brings code", folder)
        self._folder, home = folder, fresh(folder.with_name("package-copy"))
        package_format.verify(folder, self.about, home)
        with _answered(folder):
            self._loaded = package.load(home)

    def predict(self, frame: Any) -> Any:
        """As every loaded model does."""
        with _answered(self._folder):
            found = isolated_worker._predicted(self._loaded, frame)
        count = 0 if self.about.classes is None else len(self.about.classes)
        if found.shape != ((frame.height, count) if count else (frame.height,)) or found.dtype.name != "float64":
            raise PackageError("it answers something else than predictions", self._folder)
        return found

    def predict_few(self, rows: Any) -> Any:
        """As every loaded model does."""
        with _answered(self._folder):
            return self._loaded.predict_few(rows)

    def truth(self, frame: Any) -> Any:
        """As every loaded model does."""
        with _answered(self._folder):
            return self._loaded.truth(frame)

    def treat(self, frame: Any) -> Any:
        """As every loaded model does."""
        with _answered(self._folder):
            return self._loaded.treat(frame)

    def seen(self) -> Any:
        """As every loaded model does."""
        with _answered(self._folder):
            return self._loaded.seen()


@contextlib.contextmanager
def _answered(folder: Path) -> Iterator[None]:
    """Whatever is raised in the other process comes back as text."""
    try:
        yield
    except (KeyboardInterrupt, PackageError, Hang):
        raise
    except BaseException as error:
        raise PackageError(isolated_worker._refusal(error).wrong, folder) from None


def one(data: bytes, scratch: Path) -> str:
    """Load the folder and predict a few rows."""
    return _used(data, scratch, _Here)


def apart(data: bytes, scratch: Path) -> str:
    """The same, by a process of the model's own."""
    return _used(data, scratch, api.load_model)


def _used(data: bytes, scratch: Path, load: Callable[[Path], Any]) -> str:
    folder = fresh(scratch / "package")
    try:
        files = json.loads(data)
    except (ValueError, RecursionError):
        files = None
    if not isinstance(files, dict):
        files = {"package.json": data.decode("latin-1")}
    for name, content in files.items():
        _written(folder, name, content)
    if KEPT not in files:
        _list(folder)
    if not (folder / "package.json").is_file():
        return "no package"
    try:
        return f"predicted {api.predict(load(folder), _rows()).width}"
    except PackageError as error:
        raise refused(error) from None
    except StepError as error:
        return f"rows {str(error).split(chr(39))[0]}"


def _written(folder: Path, name: str, content: Any) -> None:
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        path = folder / name
        if name != KEPT and len(name) <= 200 and path.resolve().is_relative_to(folder.resolve()):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_bytes(content))


def _list(folder: Path) -> None:
    """Write the digests of the files as they are into the list, where there is one."""
    about = folder / "package.json"
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        said = json.loads(about.read_bytes())
        if isinstance(said.get("files"), dict):
            for path in folder.rglob("*"):
                if path.is_file() and path != about:
                    content = path.read_bytes()
                    listed = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                    said["files"][path.relative_to(folder).as_posix()] = listed
            about.write_text(json.dumps(said))


def _rows() -> Any:
    import polars as pl

    text = b"""island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year,x,c
Biscoe,40,18,190,3700,male,2007,1,a
Dream,,17,200,,,2008,,
"""
    return pl.read_csv(text)


def _bytes(content: Any) -> bytes:
    if isinstance(content, str) and content.startswith("base64:"):
        return base64.b64decode(content[7:])
    return bytes(content.encode())


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(content).decode()


def of(folder: Path) -> bytes:
    """A package's folder as an input."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "README.md"]
    held = {path.relative_to(folder).as_posix(): _text(path.read_bytes()) for path in paths}
    about = json.loads(held["package.json"])
    about["files"].pop("README.md", None)
    return json.dumps({**held, "package.json": json.dumps(about)}).encode()
