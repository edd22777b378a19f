"""Distributions called ``mlspec``: that name belongs to another project, this program is ``mlspec-compiler``."""

import os
import re
import site
from collections.abc import Iterator

from mlspec.diagnostics import printable
from mlspec.machine import safe_files

METADATA = re.compile(r"mlspec(?:-(?P<version>[^-]*))?(?:-py[\d.]+)?\.(?:dist|egg)-info", re.IGNORECASE)
OURS = re.compile(r"^mlspec *= *mlspec\.cli:main\s*$", re.MULTILINE)
SHARED = re.compile(r"^\"?(?:mlspec/|mlspec_backends/|(?:\.\./)+(?:bin|Scripts)/mlspec(?:\.exe)?,)", re.MULTILINE)


def site_folders() -> list[str]:
    """The folders that the interpreter installs distributions into."""
    return [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]


def namesakes() -> Iterator[str]:
    """A sentence for each distribution called ``mlspec`` that is installed: what it is, and what to do."""
    for folder in dict.fromkeys(site_folders()):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            found = METADATA.fullmatch(name)
            if found is None:
                continue
            what = f"{printable(folder)} has the distribution 'mlspec' {printable(found['version'] or '')}".rstrip()
            again = "pip uninstall mlspec, then pip install --force-reinstall mlspec-compiler"
            if OURS.search(_text(folder, name, "entry_points.txt")):
                yield f"{what}, this program under its old name: {again}"
            elif SHARED.search(_text(folder, name, "RECORD")):
                yield f"{what}, another project's, with files in place of this program's: {again}"
            else:
                yield f"{what}, another project's: pip uninstall mlspec (this program is mlspec-compiler)"


def _text(*path: str) -> str:
    try:
        return safe_files.read(os.path.join(*path)).decode("utf-8", "replace")
    except OSError:
        return ""
