"""Which commits revisions name: git is only ever asked for objects, nothing is checked out."""

from mlspec.diagnostics import SpecError
from mlspec.machine.git import Commit, Repository, wrong


def commit(repository: Repository, revision: str) -> Commit:
    """The commit that a revision names. Raises SpecError where it names none."""
    if not revision:
        raise wrong("no revision is named", "name a branch, a tag or a commit: REVISION, or REVISION:PATH")
    if revision.startswith("-") or not revision.isprintable():
        raise wrong(f"'{revision}' is no revision", "name a branch, a tag or a commit")
    found = repository.commit(revision)
    if found is None:
        note = "this is a shallow clone: fetch the commit first (fetch-depth: 0 in a workflow)"
        notes = [note] if repository.is_shallow() else ["git branch --all lists branches"]
        raise wrong(f"git knows no commit '{revision}'", *notes)
    return found


def is_commit(repository: Repository, revision: str) -> bool:
    """Whether a revision, or each end of a range, names a commit; False where there is no git to ask."""
    ends = [end for end in revision.replace("...", "..").split("..") if end]
    try:
        return bool(ends) and all(repository.commit(end) is not None for end in ends)
    except SpecError as error:
        if error.diagnostics[0].message == "git is not installed":
            return False
        raise


def merge_base(repository: Repository, one: str, other: str) -> str:
    """The last commit that two commits, by their names, have in common. Raises SpecError where there is none."""
    found = repository.merge_base(one, other)
    if found is None:
        raise wrong("the two have no commit in common", "a shallow clone may lack it (fetch-depth: 0 in a workflow)")
    return found
