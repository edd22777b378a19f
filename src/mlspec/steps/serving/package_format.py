"""The folder of an exported model: what its ``package.json`` says, and whether its files are those that this lists.

A folder may come from anybody. Nothing in it is read before its digest is known to be the listed one, names never lead
out of it, and whatever is wrong is a PackageError that names the file. A signature over ``package.json`` covers all.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Annotated, Any, Literal, NoReturn, cast

import msgspec
from msgspec import Meta, Struct

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files, whole_files
from mlspec.plugins.base import Task
from mlspec.plugins.model import Model
from mlspec.steps.training import routed_groups
from mlspec.steps.training.routed_groups import Personal

VERSION = 2
ABOUT = "package.json"
STATE = "state.json"
MODEL = "model"
PRIVATE = "private.json"  # in a model's folder: what its training promises of each row
MEMBERS = "members"
CODE = "code"  # in a model's folder: the modules that it brings along
LARGEST_ABOUT = 64 << 20  # bytes of package.json
LARGEST = 1 << 34  # bytes of all files together
READ = 1 << 20
WHERE_STATED = frozenset(
    {"calibration", "threshold", "abstain_below", "members", "derived", "treatments", "keys", "personal", "groups"}
    | {"hidden", "reading"}
)

Kind = Literal["integer", "number", "boolean", "category", "date", "datetime", "image"]
Typed = tuple[str, Kind]


class PackageError(StepError):
    """A folder is no exported model that can be used: ``code`` of the diagnostic, the ``file`` that it is about."""

    def __init__(self, message: str, file: Path, *, code: str = "package-damaged", notes: tuple[str, ...] = ()) -> None:
        self.code, self.file, self.notes = code, file, notes
        super().__init__(message)


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a package: its size in bytes and its SHA-256 in hex."""

    bytes: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Member(Struct, frozen=True):
    """A candidate that a blend is made of: its name, its model (name, settings), its share."""

    candidate: str
    model: tuple[str, dict[str, Any]]
    weight: float


class GroupThresholds(Struct, frozen=True):
    """Groups that are decided by thresholds of their own: the columns that say a row's group (name, type), and the
    threshold by the group's label. Others have the common one."""

    columns: tuple[Typed, ...]
    thresholds: dict[str, float]


class Reading(Struct, frozen=True, omit_defaults=True):
    """How the text of training rows was read: cells that are missing values, and the format of dates by column, as the
    spec states them or as all rows showed."""

    missing: tuple[str, ...] = ()
    dates: dict[str, str] = {}


class About(Struct, frozen=True, kw_only=True):
    """What a package is: the candidate and its model (name, settings), the columns it reads (name, type), its answer.

    ``classes`` are the target's values in the order of the probabilities, None for regression. ``calibration`` is what
    corrects the model's probabilities, ``threshold``: the probability from which on the positive class is predicted
    (without one, the most probable class), ``abstain_below``: the lowest probability of the most probable class for a
    decision without a person. ``members``: the answer is the weighted mean of theirs. ``derived``: the columns that it
    derives from raw rows (name, expression, type), and the raw columns that these read. ``treatments`` is what is done
    to personal columns of raw rows first (name, type as read, treatment), ``keys`` the marks of the keys that this
    takes from the environment. ``personal``: groups that are answered by models of their own. ``groups``: thresholds by
    group; the rows then say whose they are. ``hidden``: sensitive columns, whose values no message shows.
    ``reading``: how cells of text files are read.
    ``files``: all files of the folder but ``package.json``, by their names with slashes.
    """

    version: int = VERSION
    candidate: str
    model: tuple[str, dict[str, Any]]
    columns: tuple[Typed, ...]
    target: str
    target_type: str
    task: Task
    classes: tuple[Any, ...] | None
    positive: str | None
    calibration: dict[str, Any] | None = None
    threshold: float | None = None
    abstain_below: float | None = None
    members: tuple[Member, ...] | None = None
    derived: dict[str, list[list[str]]] | None = None
    treatments: tuple[tuple[str, Kind, tuple[str, dict[str, Any]]], ...] | None = None
    keys: dict[str, str] | None = None
    personal: Personal | None = None
    groups: GroupThresholds | None = None
    hidden: tuple[str, ...] | None = None
    reading: Reading | None = None
    files: dict[str, File] = {}

    def reads(self) -> tuple[tuple[str, str], ...]:
        """The columns of treated rows that it needs (name, type): what is derived is not among them."""
        if self.derived is None:
            return self.columns
        made = {name for name, _text, _kind in self.derived["expressions"]}
        raw: dict[str, str] = dict([*self.columns, *((name, kind) for name, kind in self.derived["columns"])])
        return tuple((name, kind) for name, kind in raw.items() if name not in made)

    def raw_columns(self) -> tuple[tuple[str, str], ...]:
        """The columns (name, type) of rows as they come, before personal ones are treated."""
        raw: dict[str, str] = {name: kind for name, kind, _ in self.treatments or ()}
        read = dict([*self.reads(), *(() if self.groups is None else self.groups.columns)])
        return tuple((name, raw.get(name, kind)) for name, kind in read.items())

    def consists_of(self) -> tuple[Member, ...]:
        """The members of a blend, or its one candidate."""
        return self.members or (Member(self.candidate, self.model, 1.0),)

    def models(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """All models that answer (name, settings)."""
        own = (self.model,) if self.members is None else tuple(member.model for member in self.members)
        return own if self.personal is None else (*own, self.personal.model)


class Versioned(Struct, frozen=True):
    """What any version of ``package.json`` has."""

    version: int


class Curve(Struct, frozen=True, forbid_unknown_fields=True):
    """A curve of a recalibration: a staircase (``x``, ``y``) or a logistic one, and how near to 0 and 1 it goes."""

    least: Annotated[float, Meta(ge=0, le=1)]
    x: tuple[float, ...] | None = None
    y: tuple[float, ...] | None = None
    slope: float | None = None
    offset: float | None = None


class Calibration(Struct, frozen=True):
    """A recalibration: a curve, or one for each class."""

    curves: tuple[Curve, ...]


class Derived(Struct, frozen=True):
    """Derived columns (name, expression, type), and the raw columns that these read."""

    expressions: tuple[tuple[str, str, Kind], ...]
    columns: tuple[Typed, ...]


def place(folder: Path, member: int | None) -> Path:
    """Where in a package's folder the preparation and the model are: its own, or those of a blend's member, by its
    number."""
    return folder if member is None else folder / MEMBERS / str(member)


def write_about(folder: Path, about: About) -> None:
    """Write ``package.json`` into the folder of a package, last of all: it lists the files that are there."""
    listed = {name: _digested(folder / name) for name in _names(folder)}
    _write(folder, msgspec.structs.replace(about, files=listed))


def add(folder: Path, name: str, text: str) -> None:
    """Write one more file into a package's folder, listed as the others are."""
    data = text.encode()
    about = read_about(folder)
    listed = File(len(data), hashlib.sha256(data).hexdigest())
    _write(folder, msgspec.structs.replace(about, files={**about.files, name: listed}))
    whole_files.replace(folder / name, data)


def read_about(folder: Path) -> About:
    """What the package in a folder says of itself. Raises PackageError when it is none, of another version, or when
    what it says does not fit together."""
    file = folder / ABOUT
    try:
        data = safe_files.read(file, LARGEST_ABOUT)
        version = json_values.decode(data, Versioned).version
        if version != VERSION:
            _wrong_version(folder, version)
        about = json_values.decode(data, About)
        _sound(folder, about)
    except (OSError, ValueError, LookupError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PackageError(f"'{folder}' is not a model exported by mlspec: {text}", file) from None
    return about


def is_listed(listed: File, data: bytes) -> bool:
    """Whether these are the bytes of a file as it was exported."""
    return listed == File(len(data), hashlib.sha256(data).hexdigest())


def digest(folder: Path) -> str:
    """The digest of a package, of its ``package.json``, which has those of all its files. Raises OSError."""
    return hashlib.sha256(safe_files.read(folder / ABOUT, LARGEST_ABOUT)).hexdigest()


def verify(folder: Path, about: About, target: Path | None = None) -> None:
    """See that a folder has the files that its ``package.json`` lists and no others, each with its digest.

    ``target``: copy them there, byte for byte what was looked at. Raises PackageError that names the first file which
    is missing, changed or not listed.
    """
    try:
        missing = about.files.keys() - set(_names(folder, about.files))
    except OSError as error:
        raise PackageError(f"'{folder}' can't be read: {(error.strerror or str(error)).lower()}", folder) from None
    if missing:
        _damaged(folder, min(missing), "is missing", "export the model again")
    if sum(file.bytes for file in about.files.values()) > LARGEST:
        raise PackageError(f"the package has more than {LARGEST:,} bytes", folder / ABOUT)
    if target is not None:
        (target / ABOUT).write_bytes(msgspec.json.encode(about))
    for name, listed in about.files.items():
        path = safe_files.inside(folder, name)
        try:
            with safe_files.opened(path) as file:
                if target is None:
                    same = _digest(file, listed.bytes) == listed
                else:
                    copy = target / name
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    with copy.open("xb") as made:
                        same = _digest(file, listed.bytes, made) == listed
        except OSError as error:
            _damaged(folder, name, f"can't be read: {(error.strerror or str(error)).lower()}")
        if not same:
            _damaged(folder, name, "is not the file that was exported: its SHA-256 digest does not match")


def brings_code(about: About) -> bool:
    """Whether loading a package runs code that it brings along."""
    return any(cast(type[Model], registry.plugin("models", name)).brings_code for name, _settings in about.models())


def code_of(about: About) -> dict[str, str]:
    """The files of code that loading a package may run, with their digests."""
    return {name: file.sha256 for name, file in sorted(about.files.items()) if f"/{MODEL}/{CODE}/" in f"/{name}"}


def _sound(folder: Path, about: About) -> None:
    """Raises ValueError or LookupError where what a package says does not fit together."""
    count = 0 if about.classes is None else len(about.classes)
    if (count < 2) != (about.task == "regression") or (about.task == "binary_classification" and count != 2):
        raise ValueError(f"{count} classes do not fit {about.task.replace('_', ' ')}")
    if not all(isinstance(one, str) for one in about.classes or ()):
        raise ValueError("a class is no text")
    if about.members is not None and not about.members:
        raise ValueError("a blend has no members")
    for name, settings in about.models():
        if not registry.has("models", name):
            raise ValueError(f"no model '{name}' is installed")
        msgspec.convert(settings, registry.plugin("models", name))
    for _name, _kind, (treatment, settings) in about.treatments or ():
        if not registry.has("anonymizers", treatment):
            raise ValueError(f"no anonymiser '{treatment}' is installed")
        msgspec.convert(settings, registry.plugin("anonymizers", treatment))
    if about.derived is not None:
        msgspec.convert(about.derived, Derived)
    if about.calibration is not None:
        curves = msgspec.convert(about.calibration, Calibration).curves
        if len(curves) != (1 if count == 2 else count):
            raise ValueError("its calibration is not one of its classes")
        for curve in curves:
            stairs = curve.x is not None and curve.y is not None and len(curve.x) == len(curve.y) > 0
            if not stairs and (curve.slope is None or curve.offset is None or curve.x is not None):
                raise ValueError("a curve of its calibration is incomplete")
    if about.personal is not None and not all(map(routed_groups.NAME.fullmatch, about.personal.groups.values())):
        raise ValueError("a group's folder has a name that no export gives")
    for name in about.files:
        safe_files.inside(folder, name)


def _names(folder: Path, listed: "Mapping[str, File] | None" = None) -> Iterator[str]:
    """The names of all files in a folder but ``package.json``. Raises PackageError for a link, and for the first that
    is not ``listed``."""
    parents = {name.rpartition("/")[0] for name in listed or ()}
    parents |= {"/".join(parent.split("/")[:end]) for parent in parents for end in range(1, parent.count("/") + 1)}
    for base, folders, names in os.walk(folder, onerror=_raise):
        inner = Path(base).relative_to(folder).as_posix()
        before = "" if inner == "." else f"{inner}/"
        for name, known in ((name, known) for some, known in ((folders, parents), (names, listed)) for name in some):
            full = before + name
            if os.path.islink(os.path.join(base, name)):
                _damaged(folder, full, "is a link, which an exported model never contains")
            if listed is not None and full not in (known or ()) and full != ABOUT:
                _damaged(folder, full, "is not part of the exported model", "remove it, or export the model again")
        yield from (before + name for name in names if before + name != ABOUT)


def _digested(path: Path) -> File:
    with safe_files.opened(path) as file:
        return _digest(file, os.fstat(file.fileno()).st_size)


def _digest(file: IO[bytes], most: int, copy: IO[bytes] | None = None) -> File:
    """The digest of a file of no more than ``most`` bytes, copied as it is read; of a longer one not all is read."""
    total, left = hashlib.sha256(), most + 1
    while left and (piece := file.read(min(READ, left))):
        total.update(piece)
        left -= len(piece)
        if copy is not None:
            copy.write(piece)
    return File(most + 1 - left, total.hexdigest())


def _write(folder: Path, about: About) -> None:
    said = msgspec.to_builtins(about)
    stated = {key: value for key, value in said.items() if value is not None or key not in WHERE_STATED}
    whole_files.replace(folder / ABOUT, msgspec.json.format(msgspec.json.encode(stated, order="sorted"), indent=1))


def _raise(error: OSError) -> NoReturn:
    raise error


def _wrong_version(folder: Path, version: int) -> NoReturn:
    if version > VERSION:
        what, note = "a newer mlspec", "pip install -U 'mlspec-compiler[run]'"
    else:
        what, note = "an older mlspec", "mlspec run, in the project that it comes from, exports it again"
    message = f"'{folder}' was exported by {what}: its format is version {version}, but this mlspec reads {VERSION}"
    raise PackageError(message, folder / ABOUT, code="package-version", notes=(note,))


def _damaged(folder: Path, name: str, what: str, *notes: str) -> NoReturn:
    raise PackageError(f"'{folder / name}' {what}", folder / name, notes=notes)
