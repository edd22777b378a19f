"""Writes what others need to start ``mlspec serve`` on a bundle."""

import os
import re
import shutil
from pathlib import Path

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import python_paths

NAME = re.compile(r"[A-Za-z0-9@:/._-]+")


class Packaged(Struct, frozen=True):
    """What was written: the names of the files in the folder, and what is to be known of them."""

    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


@python_paths.only_own()
def package(
    bundle: str | os.PathLike[str], form: str, output: str | os.PathLike[str], *, image: str = "", command: str = ""
) -> Packaged:
    """Write the files of a form (docker, systemd, kubernetes, kserve) for a bundle into a new folder.

    ``image``: the image with Python that a Dockerfile starts from, or the built one that a cluster runs; ``command``:
    where ``mlspec`` is, for systemd. Raises SpecError where the bundle is not as released, or the folder exists.
    """
    from mlspec.release import bundle as bundles
    from mlspec.release import deployment
    from mlspec.store import files

    source, target = Path(bundle), Path(output)
    verified = bundles.verify(source)
    said, lines = verified.bundle, (source / bundles.ENVIRONMENT).read_text().splitlines()
    for value in (image, command):
        if value and not NAME.fullmatch(value):
            message, note = f"'{value}' can't be written into such a file", "letters, digits, and @ : / . _ -"
            raise SpecError([Diagnostic(code="bad-name", message=message, notes=(note,))])
    notes = []
    if form == "docker" and not image:
        image = f"python:{lines[0].removeprefix('# Python ')}-slim"
    if form in ("kubernetes", "kserve") and not image:
        image = f"{deployment.label(said)}:{deployment.tag(said)}"
    if form != "systemd" and "@sha256:" not in image:
        notes.append(f"the image {image} is not pinned: --image NAME@sha256:DIGEST pins it")
    lacking = [name for name in deployment.SERVERS if not any(line.startswith(f"{name}==") for line in lines)]
    if lacking and form in ("docker", "systemd"):
        notes.append(
            f"{bundles.ENVIRONMENT} lacks {', '.join(lacking)}: release with 'mlspec-compiler[serve]' installed"
        )
    made = deployment.FORMATS[form](said, verified.digest, command if form == "systemd" else image)
    if os.path.lexists(target):
        message, note = f"'{target}' exists already", "name another folder: -o"
        raise SpecError([Diagnostic(code="file-exists", message=message, notes=(note,))])
    part = target.with_name(f".{target.name}.part")
    files.remove(part)
    part.mkdir(parents=True)
    try:
        for name, text in made.items():
            files.write(part / name, text.encode())
        if form == "docker":
            files.copy(source, part / "bundle")
            bundles.verify(part / "bundle")
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Packaged(target, tuple(made), tuple(notes))
