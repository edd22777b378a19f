"""Where a code host shows files and commits, by the variables of its CI: links in a comment lead there."""

import os
import re
from collections.abc import Mapping

from msgspec import Struct

from mlspec.machine import work_tree

_SERVER = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[\w.-]+)*")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
MOST = 500  # characters of an address


class Host(Struct, frozen=True):
    """The address of the repository's page, ``commit`` or ``blob`` and a commit to be put behind ``objects``; the
    commit that CI checked out; the current folder's path from the repository's root."""

    objects: str
    commit: str | None
    folder: str = ""

    def of_commit(self, commit: str | None) -> str | None:
        """The address of a commit's page."""
        return None if commit is None else f"{self.objects}/commit/{commit}"

    def of_file(self, path: str, commit: str | None, line: int | None = None) -> str | None:
        """The address of a file, by its path from the current folder, or of a line of it; None where it is outside."""
        from urllib.parse import quote

        inside = os.path.normpath(os.path.join(self.folder, path)).replace(os.sep, "/")
        if commit is None or inside.startswith(("../", "/")) or "\0" in inside:
            return None
        address = f"{self.objects}/blob/{commit}/{quote(inside, errors='surrogateescape')}"
        address += "" if line is None else f"#L{line}"
        return address if len(address) <= MOST else None


def host(variables: Mapping[str, str]) -> Host | None:
    """The host that a process with these variables runs for; None where there is none, or where they are not as
    GitHub and GitLab set them."""
    if variables.get("GITHUB_ACTIONS") == "true":
        server, name = variables.get("GITHUB_SERVER_URL", ""), variables.get("GITHUB_REPOSITORY", "")
        address, commit = f"{server}/{name}", variables.get("GITHUB_SHA", "")
        known = _SERVER.fullmatch(server) is not None and _REPOSITORY.fullmatch(name) is not None
    elif variables.get("GITLAB_CI") == "true":
        server, commit = variables.get("CI_PROJECT_URL", ""), variables.get("CI_COMMIT_SHA", "")
        address, known = f"{server}/-", _SERVER.fullmatch(server) is not None
    else:
        return None
    tree = work_tree.find(os.curdir)
    if not known or tree is None:
        return None
    folder = os.path.relpath(os.path.realpath(os.curdir), tree.root).replace(os.sep, "/")
    return Host(address, commit if _COMMIT.fullmatch(commit) else None, "" if folder == "." else folder)
