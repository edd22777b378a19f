"""The two versions of a spec that are compared: which are meant, and the files beside them."""

import errno
import hashlib
import os
import stat
from pathlib import Path, PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.diff import blobs, git, spec_files
from mlspec.document import LARGEST
from mlspec.machine import allowed_reads, safe_files, work_tree
from mlspec.machine.git import LARGEST as LARGEST_OBJECT
from mlspec.machine.git import MOST_ENTRIES, Commit, Repository, opened, unreadable, wrong
from mlspec.machine.git_trees import Entry
from mlspec.specfile import SPEC, find

WORKING_TREE = "working tree"
HEAD = "HEAD"
ELSEWHERE = ": it is in another repository, start mlspec there"
IMPOSSIBLE = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EINVAL, errno.EILSEQ)
MOST_MODULES = 2_000
HIDDEN = (".", "_")  # no source reads files and folders that begin like this


class Version(Struct, frozen=True):
    """One version of a spec: ``text`` as it is there; ``is_there`` false for a revision that has no such spec yet.
    ``root`` is the spec's folder in the working tree, whether or not it is there; ``folder`` that folder in the
    repository; ``commit`` and ``tree`` are None for a file; ``unreadable``: why there is no
    text although there is a spec; ``is_moved``: the spec was looked for, because the other version has it elsewhere."""

    label: str
    path: str
    text: bytes
    root: Path
    repository: Repository | None = None
    folder: str = ""
    commit: str | None = None
    tree: str | None = None
    is_there: bool = True
    unreadable: SpecError | None = None
    is_moved: bool = False

    def inside(self, path: str) -> str | None:
        """A path beside the spec as one from the repository's root, None where it leads outside."""
        if self.repository is None or os.path.isabs(path) or "\0" in path:
            return None
        found = os.path.normpath(os.path.join(self.folder, path)).replace(os.sep, "/")
        if found == ".":
            return ""
        return None if found == ".." or found.startswith("../") else found

    def place(self, path: str) -> str:
        """What diagnostics call a path beside the spec."""
        return f"{self.label}:{path}" if self.commit is not None else path


class Asked(Struct, frozen=True):
    """What is asked for: the spec that was named, whether it may be large; and the repositories that were opened."""

    spec: str | None
    large: bool
    repositories: dict[str, Repository]

    @property
    def most(self) -> int:
        """Bytes of a spec that are read; what reads them says where they are too many."""
        return LARGEST_OBJECT if self.large else LARGEST * 4

    def repository(self, folder: str | os.PathLike[str]) -> Repository | None:
        """The repository around a folder, opened once."""
        found = opened(folder)
        return None if found is None else self.repositories.setdefault(found.root, found)


def versions(base: str | None, head: str | None, spec: str | None, *, large: bool = False) -> tuple[Version, Version]:
    """The versions that two arguments name: files, revisions, or REVISION:PATH. Left out: the last commit, and the
    working tree. ``A...B`` begins at the last commit that A and B have in common. Raises SpecError, also for a name
    that both a file and a revision have."""
    asked = Asked(spec, large, {})
    if base is None:
        return _there(_revision(HEAD, asked), _head(head, asked), asked)
    is_file = _is_file(base, asked)
    if is_file and head is None:
        if spec is not None:
            raise wrong(f"'{base}' and --spec '{spec}' both name the spec", "name it once")
        asked = Asked(base, large, asked.repositories)
        return _there(_revision(HEAD, asked), _head(None, asked), asked)
    is_range = base.endswith("...") or (head is None and ".." in base and not base.startswith("."))
    if is_range and not is_file:
        dots = "..." if "..." in base else ".."
        start, _, end = base.partition(dots)
        later = _revision(end, asked) if end else _head(head, asked)
        return _of_range(start or HEAD, later, asked, common=dots == "...")
    return _there(_version(base, asked), _head(head, asked), asked)


def _there(base: Version, head: Version, asked: Asked) -> tuple[Version, Version]:
    """Both versions: one side may lack the spec, which is then new, deleted, or moved."""
    if base.is_there and head.is_there:
        return base, head
    if not base.is_there and not head.is_there and head.commit is None:
        return base, _file(find(asked.spec), asked, WORKING_TREE)
    base, head = _named_as(base, head), _named_as(head, base)
    if (not base.is_there and not head.is_there) or os.path.abspath(base.path) != os.path.abspath(head.path):
        lacking = base if head.is_there else head
        raise _lacking(lacking.path, lacking.label, "")
    return _moved(base, head, asked)


def _named_as(lacking: Version, other: Version) -> Version:
    """A version that lacks the spec, at the spec's path in the other: that a folder was named is only known there."""
    if lacking.is_there or not other.is_there or os.path.dirname(other.path) != lacking.path:
        return lacking
    return replace(lacking, path=other.path, root=other.root, folder=other.folder)


def _moved(base: Version, head: Version, asked: Asked) -> tuple[Version, Version]:
    """The two, the one that lacks the spec replaced by its version at the path that the spec was moved from, or to."""
    repository = base.repository
    if repository is None or base.tree is None:
        return base, head
    place = relative(os.path.abspath(head.path), repository.root)
    before = spec_files.in_commit(repository, base.tree, base.label)
    if head.tree is not None:
        after = spec_files.in_commit(repository, head.tree, head.label, before)
    else:
        after = spec_files.in_work_tree(repository.root, before)
    if base.is_there:
        new = {path: text for path, text in after.items() if path not in before}
        found = spec_files.moves({place: base.text}, new)
        return base, replace(at_path(next(iter(found)), head, asked), is_moved=True) if found else head
    gone = {path: text for path, text in before.items() if path not in after}
    found = spec_files.moves(gone, {place: head.text})
    return replace(at_path(found[place], base, asked), is_moved=True) if found else base, head


def at_path(path: str, like: Version, asked: Asked) -> Version:
    """The spec at a path from the repository's root in the version of another one."""
    repository = like.repository
    assert repository is not None
    if like.commit is None or like.tree is None:
        return _file(os.path.relpath(os.path.join(repository.root, path)), asked, like.label)
    return _in_commit(repository, Commit(like.commit, like.tree), path, like.label, asked)


def _lacking(path: str, label: str, why: str) -> SpecError:
    message, note = f"there is no '{path}' in {label}{why}", "git log --follow shows former names"
    return SpecError([Diagnostic(code="spec-not-found", message=message, notes=(note,))])


def _of_range(start: str, later: Version, asked: Asked, *, common: bool) -> tuple[Version, Version]:
    if not common:
        return _there(_revision(start, asked), later, asked)
    repository = later.repository
    if repository is None:
        raise wrong(f"'{start}...' needs a git repository", "name two files: mlspec diff OLD NEW")
    end = later.commit or git.commit(repository, HEAD).name
    base = git.merge_base(repository, git.commit(repository, start).name, end)
    return _there(_revision(base, asked, label=f"{short(start)}..."), later, asked)


def _head(head: str | None, asked: Asked) -> Version:
    if head is not None:
        return _version(head, asked)
    file = _named(asked.spec)
    if os.path.lexists(file):
        return _file(file, asked, WORKING_TREE)
    repository, inside = _home(file, asked)
    folder = os.path.dirname(inside)
    path = Path(file)
    return Version(WORKING_TREE, path.as_posix(), b"", path.parent, repository, folder, is_there=False)


def _version(name: str, asked: Asked) -> Version:
    """What one argument names."""
    return _file(find(name), asked, name) if _is_file(name, asked) else _revision(name, asked)


def _is_file(name: str, asked: Asked) -> bool:
    """Whether an argument names a file, or a folder with a spec. Raises SpecError where it names a revision as well: a
    stranger's commit may hold a file called like the branch that it is compared with."""
    is_there = os.path.lexists(name) and not os.path.isdir(name)
    if not name or not (is_there or os.path.lexists(os.path.join(name, SPEC))):
        return False
    is_plain = name.endswith(spec_files.ENDINGS) and ".." not in name and ":" not in name
    if is_plain or name.startswith(".") or os.path.isabs(name):
        return True
    repository = asked.repository(Path())
    if repository is not None and git.is_commit(repository, name.partition(":")[0]):
        start = name.partition(":")[0].partition("..")[0]
        notes = (f"the file: ./{name}", f"the revision: {start}^0{name.removeprefix(start)}")
        raise wrong(f"'{name}' is both a file and a revision", *notes)
    return True


def in_revision(spec: str, revision: str) -> Version:
    """A spec in a git revision, whether or not it is there. Raises SpecError where there is no such revision."""
    return _revision(revision, Asked(spec, True, {}))


def _revision(name: str, asked: Asked, label: str | None = None) -> Version:
    """The spec in a commit: REVISION, or REVISION:PATH."""
    revision, colon, path = name.partition(":")
    if colon:
        repository = asked.repository(Path())
        if repository is not None and path.startswith(("./", "../")):
            path = relative(os.path.abspath(path), repository.root)
    else:
        repository, path = _home(_named(asked.spec), asked)
    if repository is None:
        message = f"there is no '{name}'" if colon else f"'{name}' is no file"
        raise wrong(f"{message}, and this is no git repository", "name two files: mlspec diff OLD NEW")
    at = git.commit(repository, revision)
    if colon and path and not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise _lacking(path, revision, "")
    return _in_commit(repository, at, path, label or short(revision), asked, named=bool(colon))


def _in_commit(
    repository: Repository, at: Commit, path: str, label: str, asked: Asked, *, named: bool = False
) -> Version:
    """The spec at a path in a commit. Raises SpecError where it has none although the path was ``named`` with it."""
    found = repository.entry(at.tree, path, f"{label}:{path}")
    if found is not None and found.kind == "tree":
        path = f"{path}/{SPEC}" if path else SPEC
        found = repository.entry(at.tree, path, f"{label}:{path}")
    file = os.path.join(repository.root, path)
    folder = os.path.dirname(path)
    version = Version(
        label, Path(os.path.relpath(file)).as_posix(), b"", Path(file).parent, repository, folder, at.name, at.tree
    )
    if found is None or found.kind != "blob":
        why = _why(found, os.path.dirname(file), repository)
        if named or why:
            raise _lacking(version.path, label, why)
        return replace(version, is_there=False)
    text = repository.read(found.name, f"{label}:{path}", asked.most)
    if text is None:
        message = f"{label}:{path} has more than {asked.most:,} bytes, a spec at most {LARGEST:,}"
        raise SpecError([Diagnostic(code="file-too-large", message=message, notes=("add --large if this is meant",))])
    return replace(version, text=text)


def _why(found: Entry | None, folder: str, repository: Repository) -> str:
    """Why a commit may have no spec although it has one elsewhere; empty where it simply has none."""
    if found is None:
        inner = work_tree.find(folder)
        return "" if inner is None or inner.root == repository.root else ELSEWHERE
    return {"link": ": it is a link, or in a folder that is one", "submodule": ELSEWHERE}.get(found.kind, "")


def _home(file: str, asked: Asked) -> tuple[Repository | None, str]:
    """The repository of a spec, and the spec's path there. In the work tree that the command is started in, a spec is
    where it is named, whatever links and submodules a commit may have put on the way."""
    named = os.path.abspath(file)
    repository = asked.repository(Path())
    if repository is None or not _is_below(named, repository.root):
        folder = os.path.realpath(os.path.dirname(named))
        named, repository = os.path.join(folder, os.path.basename(named)), asked.repository(folder)
    return repository, "" if repository is None else relative(named, repository.root)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def relative(path: str, folder: str) -> str:
    """A path from a folder, with slashes."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def short(revision: str) -> str:
    """A revision as it was named; a whole digest is not for reading."""
    return revision[:12] if len(revision) >= 40 and revision.isalnum() else revision


def _named(spec: str | None) -> str:
    """The spec's file, whether or not it is there."""
    try:
        return find(spec)
    except SpecError:
        return SPEC


def _file(path: str, asked: Asked, label: str) -> Version:
    try:
        repository, inside = _home(path, asked)
    except SpecError:
        repository, inside = None, ""
    if _leads_out(path):
        raise _no_file(path, "it is a link that leads out of the work tree")
    text = read(path, asked.most)
    return Version(label, Path(path).as_posix(), text, Path(path).parent, repository, os.path.dirname(inside))


def read(path: str, most: int = LARGEST_OBJECT) -> bytes:
    """The bytes of a regular file, the first ``most`` of them. Raises SpecError where it can't be read."""
    try:
        with safe_files.opened(path) as stream:
            return stream.read(most)
    except OSError as error:
        raise _no_file(path, (error.strerror or str(error)).lower()) from None


def _no_file(path: str, why: str) -> SpecError:
    return SpecError([Diagnostic(code="spec-not-found", message=f"{path} can't be read: {why}")])


def _leads_out(path: str) -> bool:
    """Whether links lead from a spec's name to a file that its commit does not hold."""
    named = os.path.abspath(path)
    if os.path.realpath(named) == named:
        return False
    tree = work_tree.find(os.curdir)
    if tree is None or not _is_below(named, tree.root):
        return os.path.islink(named) and _is_closed(os.path.dirname(named), named)
    return _is_closed(tree.root, named)


def _is_closed(root: str | os.PathLike[str], path: str) -> bool:
    """Whether a path leads out of the repository around ``root``, or to what git and mlspec keep for themselves."""
    return bool(allowed_reads.refusal(allowed_reads.around(root), path))


def content(version: Version, path: str, most: int = LARGEST_OBJECT) -> bytes | None:
    """The bytes of a file beside a spec in its version, None where it has none, or more than ``most``."""
    if version.commit is None:
        file = file_here(version, path)
        try:
            return None if file is None else safe_files.read(file, most)
        except OSError:
            return None
    entry = _entry(version, path)
    if entry is None or entry.kind != "blob":
        return None
    assert version.repository is not None
    return version.repository.read(entry.name, version.place(path), most)


def copied(version: Version, path: str, folder: Path) -> str | None:
    """The file that a file beside a spec was copied to, as it is in the version's commit; None where the commit has
    none, one that is too large, or no more than a pointer to Git LFS."""
    entry = _entry(version, path)
    if entry is None or entry.kind != "blob":
        return None
    copy = _copied(version, entry.name, folder, PurePosixPath(path).name)
    if copy is None:
        return None
    with open(copy, "rb") as stream:
        return None if blobs.is_pointer(stream.read(blobs.LARGEST_POINTER)) else str(copy)


def copy_module(version: Version, name: str, folder: Path) -> None:
    """Copy a module into a folder as it is in the version's commit: ``name.py``, and all modules in the folder
    ``name``. Raises SpecError where there are more than 2,000."""
    if not name.isidentifier() or version.repository is None:
        return
    module, package = _entry(version, f"{name}.py"), _entry(version, name)
    files = {f"{name}.py": module.name} if module is not None and module.kind == "blob" else {}
    if package is not None and package.kind == "tree":
        below = version.repository.below(package.name, version.place(name))
        files |= {f"{name}/{inner}": own for inner, own in below.items() if inner.endswith(".py")}
    if len(files) > MOST_MODULES:
        raise unreadable(version.place(name), f"the package has more than {MOST_MODULES:,} modules")
    for inner, own in files.items():
        _copied(version, own, folder, inner)


def _copied(version: Version, own: str, folder: Path, name: str) -> Path | None:
    """The file in a folder, with its name from git, that an object was copied to; None where it is too large. Raises
    SpecError where the file would be anywhere else, or can't be there."""
    assert version.repository is not None
    try:
        file = safe_files.inside(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file if version.repository.copy(own, version.place(name), file) else None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in IMPOSSIBLE:
            raise
        raise unreadable(version.place(name), "no file can have this name here", "rename it") from None


def token(version: Version, path: str, other: Version | None = None) -> str | None:
    """What identifies the content of a file or a folder beside a spec: the name that git has for it. A file of the
    working tree is compared with the one in ``other``: see ``blobs.name_of``."""
    if version.commit is not None:
        entry = _entry(version, path)
        if entry is None or entry.kind not in ("blob", "tree"):
            return None
        return entry.name if entry.kind == "blob" else _folder(_below(version, path, entry))
    file = file_here(version, path)
    known = None if other is None or other.commit is None else _entry(other, path)
    place = path if other is None else other.place(path)
    try:
        if file is None:
            return None
        if os.path.isdir(file):
            theirs = {} if other is None or known is None or known.kind != "tree" else _below(other, path, known)
            names = _listed(file, version.place(path))
            files = {name: os.path.join(file, name) for name in names}
            return _folder({n: blobs.name_of(f, version.repository, theirs.get(n), place) for n, f in files.items()})
        name = None if known is None or known.kind != "blob" else known.name
        return blobs.name_of(file, version.repository, name, place)
    except OSError:
        return None


def file_here(version: Version, path: str) -> str | None:
    """A file of the working tree, None where it is outside, or git's or mlspec's own."""
    file = os.path.join(version.root, path)
    return None if "\0" in path or _is_closed(version.root, file) else file


def _entry(version: Version, path: str) -> Entry | None:
    inside = version.inside(path)
    if inside is None or version.repository is None or version.tree is None:
        return None
    return version.repository.entry(version.tree, inside, version.place(path))


def _below(version: Version, path: str, entry: Entry) -> dict[str, str]:
    assert version.repository is not None
    files = version.repository.below(entry.name, version.place(path))
    return {name: own for name, own in files.items() if not any(part.startswith(HIDDEN) for part in name.split("/"))}


def _listed(folder: str, place: str) -> list[str]:
    """The files in a folder of the working tree that sources read, links left out as in a commit."""
    names: list[str] = []
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        inner = os.path.relpath(at, folder)
        names += [os.path.normpath(os.path.join(inner, name)) for name in files if not name.startswith(HIDDEN)]
        if len(names) > MOST_ENTRIES:
            raise unreadable(place, f"the folder has more than {MOST_ENTRIES:,} files")
    return [name.replace(os.sep, "/") for name in names if stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode)]


def _folder(files: dict[str, str]) -> str:
    listed = "".join(f"{name}\0{digest}\n" for name, digest in sorted(files.items()))
    return hashlib.sha1(listed.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
