"""Where a repository's specs are, in a commit or the working tree, and which of them were moved.

A spec is a regular file ``project.yaml`` with a top-level key ``mlspec`` or ``project``, or any other ``*.yaml`` or
``*.yml`` with both. Hidden folders, ``node_modules``, virtual environments and nested repositories are not searched.
"""

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping

from mlspec.diagnostics import SpecError
from mlspec.document import LARGEST, parse
from mlspec.machine import safe_files
from mlspec.machine.git import MOST_ENTRIES, Repository, unreadable
from mlspec.machine.work_tree import GIT
from mlspec.specfile import SPEC

ENDINGS = (".yaml", ".yml")
MOST_FILES = 5_000  # YAML files that are read
MOST_SPECS = 1_000
MOST_PAIRS = 10_000
SIMILAR = 0.5  # share of lines in common from which two texts with the same project name are the same spec
SKIPPED = "node_modules"
ENVIRONMENT = "pyvenv.cfg"
_KEY = re.compile(rb"^[\"']?(mlspec|project)[\"']?[ \t]*:", re.MULTILINE)
_FLOW = re.compile(rb"\s*\{[\s\"']*(mlspec|project)[\"']?\s*:")


def is_spec(path: str, text: bytes) -> bool:
    """Whether a file is a spec, by its name and its top-level keys."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    keys = {match[1] for match in _KEY.finditer(text)}
    return bool(keys or _FLOW.match(text)) if os.path.basename(path) == SPEC else len(keys) == 2


def in_commit(
    repository: Repository, tree: str, label: str, known: Iterable[str] = (), under: str = ""
) -> dict[str, bytes]:
    """The text of each spec of a commit's tree, by its path from the repository's root; ``under``: only those in that
    folder. ``known``: paths that were specs before, and are as long as there is anything; their text is empty where
    it can't be a spec's. Raises SpecError where the tree has too many files, or can't be read."""
    folder = repository.entry(tree, under, label)
    if folder is None or folder.kind != "tree":
        return {}
    prefix = f"{under}/" if under else ""
    files = repository.below(folder.name, f"{label}:{under}")
    named = sorted(path for path in files if path.endswith(ENDINGS) and not _is_skipped(path))
    _few(label, len(named))
    found = {path: b"" for path in known if repository.entry(tree, path, label) is not None}
    for path in named:
        text = repository.read(files[path], f"{label}:{prefix}{path}", LARGEST)
        _add(found, prefix + path, text)
    return _limited(label, found)


def in_work_tree(root: str, known: Iterable[str] = (), under: str = "") -> dict[str, bytes]:
    """The same of the working tree. Raises SpecError where there are too many files."""
    named, seen = [], 0
    for at, folders, files in os.walk(os.path.join(root, under)):
        seen += len(folders) + len(files)
        if seen > MOST_ENTRIES:
            raise unreadable(under or root, f"the folder has more than {MOST_ENTRIES:,} files and folders")
        inner = os.path.relpath(at, root)
        is_nested = inner not in (".", os.path.normpath(under)) and GIT in (*folders, *files)
        if is_nested or ENVIRONMENT in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _is_skipped(name)]
        named += [os.path.normpath(os.path.join(inner, name)) for name in files if name.endswith(ENDINGS)]
    named = [path.replace(os.sep, "/") for path in named if not os.path.basename(path).startswith(".")]
    _few("the working tree", len(named))
    found = {path: b"" for path in known if os.path.lexists(os.path.join(root, path))}
    for path in sorted({*named, *found}):
        file = os.path.join(root, path)
        try:
            if stat.S_ISREG(os.lstat(file).st_mode):
                _add(found, path, safe_files.read(file, LARGEST))
        except OSError as error:
            if error.errno == errno.EFBIG:
                _add(found, path, None)
    return _limited("the working tree", found)


def _add(found: dict[str, bytes], path: str, text: bytes | None) -> None:
    """Take up a file where it is a spec; one that is too large to look into is one by its name."""
    is_one = is_spec(path, text) if text is not None else os.path.basename(path) == SPEC
    if is_one or path in found:
        found[path] = text or b""


def _is_skipped(path: str) -> bool:
    return any(part.startswith(".") or part == SKIPPED for part in path.split("/"))


def _few(label: str, count: int) -> None:
    if count > MOST_FILES:
        note = "name a folder: mlspec diff --all --spec FOLDER"
        raise unreadable(label, f"there are more than {MOST_FILES:,} YAML files", note)


def _limited(label: str, found: dict[str, bytes]) -> dict[str, bytes]:
    if len(found) > MOST_SPECS:
        note = "name a folder: mlspec diff --all --spec FOLDER"
        raise unreadable(label, f"there are more than {MOST_SPECS:,} specs", note)
    return found


def moves(gone: Mapping[str, bytes], came: Mapping[str, bytes]) -> dict[str, str]:
    """By its new path, the former path of each spec that was moved: the most similar of those that are gone,
    with the same text, or the same project name and half of the lines."""
    lines = {path: Counter(text.split(b"\n")) for side in (gone, came) for path, text in side.items()}
    names = {path: _project(text, path) for side in (gone, came) for path, text in side.items()}
    many = len(gone) * len(came) > MOST_PAIRS
    pairs = []
    for old, was in gone.items():
        for new, now in came.items():
            alike = 1.0 if was == now else 0.0 if many else _similarity(lines[old], lines[new])
            # Specs of two projects may be written from one template: a deletion must not look like a move.
            if alike == 1.0 or (names[old] == names[new] != "" and alike >= SIMILAR):
                pairs.append((-alike, -_common(old, new), old, new))
    found: dict[str, str] = {}
    for _, _, old, new in sorted(pairs):
        if new not in found and old not in found.values():
            found[new] = old
    return found


def _project(text: bytes, path: str) -> str:
    """The name of a spec's project; empty where it can't be read."""
    try:
        value = parse(text, path).data
    except SpecError:
        return ""
    about = value.get("project") if isinstance(value, dict) else None
    return str(about.get("name", "")) if isinstance(about, dict) else ""


def _similarity(one: Counter[bytes], other: Counter[bytes]) -> float:
    return 2 * (one & other).total() / max(1, one.total() + other.total())


def _common(old: str, new: str) -> int:
    """How many parts two paths have in common, from their beginnings and from their ends."""
    one, other = old.split("/"), new.split("/")
    pairs = [*zip(one, other, strict=False), *zip(reversed(one), reversed(other), strict=False)]
    return sum(a == b for a, b in pairs)
