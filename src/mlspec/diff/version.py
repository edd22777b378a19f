"""The two versions of a spec that are compared: which are meant, and what lies beside them."""

import hashlib
import os
from pathlib import Path, PurePosixPath

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.diff import git
from mlspec.document import LARGEST
from mlspec.machine import safe_files
from mlspec.specfile import SPEC, find

WORKING_TREE = "working tree"
POINTER = b"version https://git-lfs"


class Version(Struct, frozen=True):
    """One version of a spec: ``text`` as it is there; ``is_there`` false for a revision that has no such spec yet.
    ``root`` is the spec's folder in the working tree, whether or not it is there; ``top`` the repository's root and
    ``folder`` the spec's folder in it; ``commit`` None for a file."""

    label: str
    path: str
    text: bytes
    root: Path
    top: Path | None = None
    folder: str = ""
    commit: str | None = None
    is_there: bool = True

    def inside(self, path: str) -> str | None:
        """A path beside the spec as one from the repository's root, None where it leads outside."""
        if self.top is None or os.path.isabs(path) or "\0" in path:
            return None
        found = os.path.normpath(os.path.join(self.folder, path)).replace(os.sep, "/")
        return None if found.startswith("..") else found


def versions(base: str | None, head: str | None, spec: str | None, *, large: bool = False) -> tuple[Version, Version]:
    """The versions that two arguments name: files, revisions, or REVISION:PATH. Left out: the last commit, and the
    working tree. ``A...B`` begins at the last commit that A and B have in common. Raises SpecError."""
    if base is not None and head is None:
        if _is_spec(base):
            if spec is not None:
                raise _wrong(f"'{base}' and --spec '{spec}' both name the spec", "name it once")
            base, spec = None, base
        elif ".." in base and not base.startswith("."):
            base, _, head = base.partition("...") if "..." in base else base.partition("..")
            return _of_range(base or "HEAD", head or None, spec, large, common="..." in f"{base}...")
    if base is not None and base.endswith("...") and not _is_spec(base):
        return _of_range(base.removesuffix("..."), head, spec, large, common=True)
    return _there(_version("HEAD" if base is None else base, spec, large), _head(head, spec, large))


def _there(base: Version, head: Version) -> tuple[Version, Version]:
    """Both versions; a spec may be new in the head, nowhere else may one be missing."""
    if not head.is_there or (not base.is_there and head.path != base.path):
        raise _lacking(head if not head.is_there else base)
    return base, head


def _lacking(version: Version) -> SpecError:
    message, note = f"there is no '{version.path}' in {version.label}", "git log --follow tells what it was called"
    return SpecError([Diagnostic(code="spec-not-found", message=message, notes=(note,))])


def _of_range(base: str, head: str | None, spec: str | None, large: bool, *, common: bool) -> tuple[Version, Version]:
    later = _head(head, spec, large)
    if not common:
        return _there(_version(base, spec, large), later)
    if later.top is None:
        raise _wrong(f"'{base}...' needs a git repository", "name two files: mlspec diff OLD NEW")
    start = git.merge_base(later.top, git.commit(later.top, base), later.commit or git.commit(later.top, "HEAD"))
    return _there(_version(start, spec, large, label=f"{base}..."), later)


def _head(head: str | None, spec: str | None, large: bool) -> Version:
    return _file(_spec_file(spec), large, WORKING_TREE) if head is None else _version(head, spec, large)


def _is_spec(name: str) -> bool:
    return os.path.isfile(name) or os.path.isfile(os.path.join(name, SPEC))


def _spec_file(spec: str | None) -> str:
    return find(spec)


def _version(name: str, spec: str | None, large: bool, label: str | None = None) -> Version:
    """What one argument names."""
    if _is_spec(name):
        return _file(find(name), large, name)
    revision, colon, path = name.partition(":")
    if colon:
        folder = Path()
        top = git.top(folder)
        if top is None:
            raise _wrong(f"there is no '{name}', and this is no git repository", "name two files: mlspec diff OLD NEW")
        if path.startswith("./"):
            path = Path(os.path.relpath(Path.cwd() / path, top)).as_posix()
    else:
        file = _named(spec)
        folder = file.parent
        top = git.top(folder if folder.is_dir() else Path())
        if top is None:
            raise _wrong(f"'{name}' is no file, and this is no git repository", "name two files: mlspec diff OLD NEW")
        path = Path(os.path.relpath(file.absolute().resolve().parent / file.name, top.resolve())).as_posix()
    at = git.commit(top, revision)
    found = git.entry(top, at, path)
    if found is not None and found.kind == "tree":
        path = f"{path}/{SPEC}"
        found = git.entry(top, at, path)
    text = None if found is None or found.is_link else git.blob(top, found.name, git.LARGEST if large else LARGEST * 4)
    own = PurePosixPath(path).parent.as_posix()
    shown = Path(os.path.relpath(top / path)).as_posix()
    version = Version(
        label or _short(revision), shown, text or b"", top / own, top, "" if own == "." else own, at, text is not None
    )
    if text is None and colon:
        raise _lacking(version)
    return version


def _short(revision: str) -> str:
    """A revision as it was named; a whole digest is not for reading."""
    return revision[:12] if len(revision) >= 40 and revision.isalnum() else revision


def _named(spec: str | None) -> Path:
    """The spec's file, whether or not it is there."""
    try:
        return Path(find(spec))
    except SpecError:
        return Path(SPEC)


def _file(path: str, large: bool, label: str) -> Version:
    try:
        with safe_files.opened(path) as stream:
            text = stream.read(git.LARGEST if large else LARGEST * 4)
    except OSError as error:
        message = f"{path} can't be read: {(error.strerror or str(error)).lower()}"
        raise SpecError([Diagnostic(code="spec-not-found", message=message)]) from None
    root = Path(path).parent
    try:
        top = git.top(root)
    except SpecError:
        top = None
    folder = "" if top is None else Path(os.path.relpath(root.resolve(), top.resolve())).as_posix()
    return Version(label, Path(path).as_posix(), text, root, top, "" if folder == "." else folder)


def content(version: Version, path: str, most: int = git.LARGEST) -> bytes | None:
    """The bytes of a file beside a spec in its version, None where it has none (or no more than a pointer to them)."""
    if version.commit is None:
        file = version.root / path
        try:
            return safe_files.read(file, most)
        except OSError:
            return None
    inside = version.inside(path)
    assert version.top is not None
    found = None if inside is None else git.entry(version.top, version.commit, inside)
    if found is None or found.kind != "blob" or found.is_link:
        return None
    data = git.blob(version.top, found.name, most)
    return None if data is None or data.startswith(POINTER) else data


def token(version: Version, path: str) -> str | None:
    """What tells a file's (or a folder's) content from any other: the name that git has for it."""
    inside = version.inside(path)
    if version.commit is not None:
        assert version.top is not None
        found = None if inside is None else git.entry(version.top, version.commit, inside)
        if found is None or found.is_link:
            return None
        if found.kind == "tree" and inside is not None:
            return _folder(git.below(version.top, version.commit, inside))
        return found.name
    file = version.root / path
    try:
        if file.is_dir():
            inner = sorted(part for part in file.rglob("*") if part.is_file() and not part.name.startswith("."))
            return _folder({part.relative_to(file).as_posix(): hash_of(part) for part in inner})
        known = None if inside is None or version.top is None else git.clean(version.top, inside)
        return known or hash_of(file)
    except OSError:
        return None


def _folder(files: dict[str, str]) -> str:
    listed = "".join(f"{name}\0{digest}\n" for name, digest in sorted(files.items()))
    return hashlib.sha1(listed.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def hash_of(file: Path) -> str:
    """The name that git would give to a file's content."""
    with safe_files.opened(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        made = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while piece := stream.read(1 << 20):
            made.update(piece)
    return made.hexdigest()


def _wrong(message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code="unknown-revision", message=message, notes=notes)])
