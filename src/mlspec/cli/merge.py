"""``mlspec merge``: git's merge driver for specs and their locks."""

import os
import sys

import click

from mlspec.cli._exit_codes import HOLDS_NOT
from mlspec.cli._output import colored, talk, write

LOCK = "mlspec.lock"
SHOWN = 5
MOST = 256 << 20
FAILED = 128  # what git exits with where it merged nothing; below it, the number of places that clash


@click.command(name="merge")
@click.argument("base", type=click.Path(exists=True, dir_okay=False))
@click.argument("ours", type=click.Path(exists=True, dir_okay=False))
@click.argument("theirs", type=click.Path(exists=True, dir_okay=False))
@click.argument("name", required=False)
def command(base: str, ours: str, theirs: str, name: str | None) -> int:
    """Merge THEIRS into OURS by meaning, as git's merge driver: edits conflict only where both change the same key.

    NAME is the file's name in the work tree. Exits with 1 if edits conflict: OURS then contains them between git's
    conflict markers, and each is printed. If one side is not a spec, files are merged line by line, as git does.

    Of an mlspec.lock, results that both sides changed differently are left out, with the verdicts that may depend on
    them, until the next run.

    \b
    git config merge.mlspec.driver 'mlspec merge %O %A %B %P'
    printf 'project.yaml merge=mlspec\nmlspec.lock merge=mlspec\n' >> .gitattributes
    """
    from mlspec.diagnostics import SpecError, printable, render
    from mlspec.diff.merge import merge
    from mlspec.diff.version import read

    contents = [read(file) for file in (base, ours, theirs)]
    if os.path.basename(name or ours) == LOCK:
        return _locks(contents, ours, name or ours)
    try:
        texts = [content.decode() for content in contents]
        found = merge(texts[0], texts[1], texts[2], name or ours)
    except (SpecError, UnicodeDecodeError) as error:
        talk(printable(f"merged line by line: one side is not a spec ({error})"))
        return _by_lines(base, ours, theirs)
    write(ours, found.text)
    if found.clashes:
        talk(render(found.clashes, {name or ours: texts[1]}, color=colored(sys.stderr)).rstrip("\n"))
    return HOLDS_NOT if found.clashes else 0


def _locks(contents: list[bytes], ours: str, name: str) -> int:
    """Locks are merged by entry; what is none stays as it is on our side."""
    from mlspec.diagnostics import printable
    from mlspec.diff.lock_merge import merge_locks
    from mlspec.machine import whole_files

    try:
        found = merge_locks(*contents)
    except ValueError as error:
        talk(printable(f"{name} is not merged: one side is not a lock ({error}); choose one, then use mlspec run"))
        return HOLDS_NOT
    with whole_files.output(ours) as file:
        file.write(found.text)
    if found.left_out:
        left_out = ", ".join(found.left_out[:SHOWN]) + (", ..." if len(found.left_out) > SHOWN else "")
        talk(printable(f"{name}: {len(found.left_out)} results are left out, because they differ: {left_out}"))
        talk("mlspec run computes what is missing")
    return 0


def _by_lines(base: str, ours: str, theirs: str) -> int:
    """What git does where it has no driver, but for writing OURS whole or not at all."""
    from mlspec.machine import git, whole_files, work_tree

    tree = work_tree.find(os.curdir)
    style = git.setting("merge.conflictStyle", tree)[-1:]
    options = ["--diff3"] if style == ["diff3"] else ["--zdiff3"] if style == ["zdiff3"] else []
    options += ["-p", "-L", "ours", "-L", "base", "-L", "theirs"]
    files = [os.path.abspath(file) for file in (ours, base, theirs)]
    done = git.run(tree, "merge-file", *options, "--", *files, most=MOST)
    if 0 <= done.returncode < FAILED:
        with whole_files.output(ours) as file:
            file.write(done.stdout)
    else:
        talk(done.stderr.decode("utf-8", "replace").strip())
    return HOLDS_NOT if done.returncode else 0
