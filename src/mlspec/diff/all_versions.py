"""The versions of all specs of a repository between two revisions: which are there, new, deleted or moved."""

import os
from pathlib import Path

from msgspec.structs import replace

from mlspec.diagnostics import SpecError
from mlspec.diff import git, spec_files
from mlspec.diff.version import HEAD, WORKING_TREE, Asked, Version, at_path, relative, short
from mlspec.machine.git import Repository, wrong


def every(
    base: str | None, head: str | None, folder: str | None, *, large: bool = False
) -> tuple[Version, Version, list[tuple[Version, Version]]]:
    """What two revisions name, as versions without a spec; and each spec of the repository, or of a folder of it, in
    both, one of them not there where it is new or deleted. Arguments are those of ``versions``, but no files. Raises
    SpecError where a revision can't be read."""
    asked = Asked(None, large, {})
    repository = asked.repository(Path() if folder is None else folder)
    if repository is None:
        raise wrong("--all needs a git repository", "name two files: mlspec diff OLD NEW")
    under = "" if folder is None else relative(os.path.realpath(folder), repository.root)
    under = "" if under == "." else under
    one, other = _ends(base, head, repository)
    before = spec_files.in_commit(repository, one.tree or "", one.label, (), under)
    if other.tree is None:
        after = spec_files.in_work_tree(repository.root, before, under)
    else:
        after = spec_files.in_commit(repository, other.tree, other.label, before, under)
    gone = {path: text for path, text in before.items() if path not in after}
    came = {path: text for path, text in after.items() if path not in before}
    moved = spec_files.moves(gone, came)
    former = set(moved.values())
    pairs = [(moved.get(path, path), path) for path in sorted({*before, *after} - former)]
    return (
        one,
        other,
        [(replace(_of(was, one, asked), is_moved=was != now), _of(now, other, asked)) for was, now in pairs],
    )


def _of(path: str, like: Version, asked: Asked) -> Version:
    """A spec in a version, whether or not it is there; one that can't be read has no text."""
    assert like.repository is not None
    file = os.path.join(like.repository.root, path)
    folder = os.path.dirname(path)
    shown = Path(os.path.relpath(file)).as_posix()
    bare = replace(like, path=shown, root=Path(file).parent, folder=folder, is_there=like.commit is None)
    if like.commit is None and not os.path.lexists(file):
        return replace(bare, is_there=False)
    try:
        return at_path(path, like, asked)
    except SpecError as error:
        return replace(bare, is_there=True, unreadable=error)


def _ends(base: str | None, head: str | None, repository: Repository) -> tuple[Version, Version]:
    """The two revisions that are compared, as versions of nothing."""
    start, dots, end = base or HEAD, "", head or ""
    if head is None and base is not None and ".." in base:
        dots = "..." if "..." in base else ".."
        start, _, end = base.partition(dots)
    here = Version(WORKING_TREE, "", b"", Path(repository.root), repository)

    def of(revision: str, label: str | None = None) -> Version:
        if ":" in revision:
            raise wrong(f"--all compares revisions, not '{revision}'", "name a folder with --spec FOLDER")
        at = git.commit(repository, revision)
        return replace(here, label=label or short(revision), commit=at.name, tree=at.tree)

    first, later = of(start or HEAD), of(end) if end else here
    if dots == "...":
        later_name = later.commit or git.commit(repository, HEAD).name
        assert first.commit is not None
        first = of(git.merge_base(repository, first.commit, later_name), f"{short(start or HEAD)}...")
    return first, later
