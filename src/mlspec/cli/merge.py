"""``mlspec merge``: git's merge driver for specs."""

import os
import sys

import click

from mlspec.cli._exit_codes import HOLDS_NOT
from mlspec.cli._output import colored, talk, write

MOST = 256 << 20
FAILED = 128  # what git exits with where it merged nothing; below it, the number of places that clash


@click.command(name="merge")
@click.argument("base", type=click.Path(exists=True, dir_okay=False))
@click.argument("ours", type=click.Path(exists=True, dir_okay=False))
@click.argument("theirs", type=click.Path(exists=True, dir_okay=False))
@click.argument("name", required=False)
def command(base: str, ours: str, theirs: str, name: str | None) -> int:
    """Merge THEIRS into OURS by meaning, as git's merge driver: edits conflict only where both change the same key.

    NAME is the spec's name in messages. Exits with 1 if edits conflict: OURS then contains them between git's conflict
    markers, and each is printed. If one side is not a spec, files are merged line by line, as git does.

    \b
    git config merge.mlspec.driver 'mlspec merge %O %A %B %P'
    echo 'project.yaml merge=mlspec' >> .gitattributes
    """
    from mlspec.diagnostics import SpecError, printable, render
    from mlspec.diff.merge import merge
    from mlspec.diff.version import read

    contents = [read(file) for file in (base, ours, theirs)]
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
