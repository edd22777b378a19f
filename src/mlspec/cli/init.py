"""``mlspec init``: a first spec from a look at the data."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlspec.cli._output import result, talk, write
from mlspec.diagnostics import Diagnostic, SpecError, printable

if TYPE_CHECKING:
    from mlspec.spec.draft import Propose

LOCK_IS_GENERATED = "mlspec.lock linguist-generated\n"


@click.command(name="init")
@click.argument("data", type=click.Path(), metavar="DATA")
@click.option("--target", metavar="COLUMN", help="The column to predict; guessed if left out.")
@click.option("-o", "--output", default="project.yaml", show_default=True, help="The file to write; - for stdout.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
def command(data: str, target: str | None, output: str, force: bool) -> None:
    """Write a spec for a data file: guesses the target, the task and the roles of columns, proposes expectations, and
    explains them in comments.

    Check it, correct wrong guesses, then: mlspec run
    """
    from mlspec.spec.draft import draft

    if output != "-" and Path(output).exists() and not force:
        note = "--force overwrites it, -o names another file"
        raise SpecError([Diagnostic(code="file-exists", message=f"{output} exists already", notes=(note,))])
    folder = Path() if output == "-" else Path(output).parent
    text = draft(Path(data), folder, target, _propose(data))
    if output == "-":
        result(text, form="data")
        return
    write(output, text, data)
    _mark_lock(output)
    talk(printable(f"wrote {output}; next: mlspec run" + ("" if output == "project.yaml" else f" {output}")))
    sys.stdout.flush()


def _mark_lock(spec: str) -> None:
    """In a git work tree, say in ``.gitattributes`` beside the spec that its lock is generated, so that a review folds
    it away; a link is left alone."""
    import os

    from mlspec.machine import safe_files, work_tree

    file = os.path.join(os.path.dirname(spec), ".gitattributes")
    if work_tree.find(os.path.dirname(spec) or os.curdir) is None or os.path.islink(file):
        return
    try:
        text = safe_files.read(file).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        text = ""
    except OSError:
        return
    if "mlspec.lock" not in text:
        with open(file, "a", encoding="utf-8") as stream:
            stream.write("\n" * (text != "" and not text.endswith("\n")) + LOCK_IS_GENERATED)
        talk(printable(f"wrote {file}"))


def _propose(data: str) -> "Propose | None":
    """What a profile of all rows suggests; nothing where what profiles is not installed."""
    from importlib.util import find_spec

    if find_spec("polars") is None:
        return None

    def propose(target: str, ids: list[str], sensitive: list[str], gone: set[str]) -> list[str]:
        from mlspec import api
        from mlspec.report.proposals import expectations

        return expectations(api.profile(data, target=target), target, ids, sensitive, gone)

    return propose
