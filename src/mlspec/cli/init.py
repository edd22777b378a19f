"""``mlspec init``: a first spec from a look at the data; the files for a code host's CI."""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mlspec.cli import _options
from mlspec.cli._output import result, talk, write
from mlspec.diagnostics import Diagnostic, SpecError, printable

LOCK_IS_GENERATED = "mlspec.lock linguist-generated\n"


@click.command(name="init")
@click.argument("data", type=click.Path(), metavar="DATA", required=False)
@click.option("--target", metavar="COLUMN", help="The column to predict; guessed if left out.")
@click.option(
    "--task",
    type=click.Choice(["binary_classification", "multiclass_classification", "regression"]),
    help="The kind of prediction; from the target's values if left out.",
)
@click.option("--time", metavar="COLUMN", help="Split by this time: the last rows are the test rows.")
@click.option("--group", metavar="COLUMN", help="Keep rows with the same value in one part of the split.")
@click.option("--drop", metavar="COLUMN", multiple=True, help="Leave this column out; repeatable.")
@click.option("--id", metavar="COLUMN", help="The column that identifies a row.")
@click.option(
    "--train-time",
    metavar="DURATION",
    callback=_options.duration,
    help="Let all models of the portfolio compete for so long, blended: 60s, 5m, 1h.",
)
@click.option("--no-trial", is_flag=True, help="Write the spec without a trial run of its profile quick.")
@click.option("-o", "--output", default="project.yaml", show_default=True, help="The file to write; - for stdout.")
@click.option(
    "--ci", type=click.Choice(["github", "gitlab"]), help="Write the host's workflow that checks pull requests instead."
)
@click.option("--force", is_flag=True, help="Overwrite files.")
@_options.reading
def command(
    data: str | None,
    target: str | None,
    task: str | None,
    time: str | None,
    group: str | None,
    drop: tuple[str, ...],
    id: str | None,  # noqa: A002
    train_time: float | None,
    no_trial: bool,
    output: str,
    ci: str | None,
    force: bool,
    settings: dict[str, Any],
) -> None:
    """Write a spec for a data file: proposes the target, the task, the split, models, the roles of columns and
    expectations, each with its reason as a comment.

    Looks at all rows. The spec is validated and its profile `quick` is run in a temporary folder before it is written;
    what fails is left out, with a message. Check it, correct wrong guesses, then: mlspec run

    With --ci, write the files with which GitHub or GitLab checks the specs of this repository in pull requests.
    """
    if ci is not None:
        if data is not None:
            raise click.UsageError("--ci takes no DATA: write the spec first, then its workflow")
        _write_workflows(ci, force)
        return
    if data is None:
        raise click.UsageError("Missing argument 'DATA'.")
    from mlspec import api

    if output != "-" and not force:
        _demand_none([output], "--force overwrites it, -o names another file")
    folder = Path() if output == "-" else Path(output).parent
    drafted = api.draft(
        data,
        folder,
        target=target,
        task=task,
        time=time,
        group=group,
        drop=drop,
        id=id,
        settings=settings,
        train_time=train_time,
        trial=not no_trial,
    )
    for note in drafted.notes:
        talk(printable(note))
    text = drafted.text
    if output == "-":
        result(text, form="data")
        return
    write(output, text, data)
    with contextlib.suppress(SpecError):  # a demand of a policy, which was said
        api.validate(output, allow_outside=True, all_rows=True)  # keeps what all rows say for the next commands
    _mark_lock(output)
    named = "" if output == "project.yaml" else f" {output}"
    talk(printable(f"wrote {output}; next: mlspec run{named} --profile quick"))
    sys.stdout.flush()


def _demand_none(files: Sequence[str], note: str) -> None:
    """Raises SpecError for files that are there, whatever they are."""
    found = [file for file in files if os.path.lexists(file)]
    wrong = [Diagnostic(code="file-exists", message=f"{file} exists already", notes=(note,)) for file in found]
    if wrong:
        raise SpecError(wrong)


def _write_workflows(host: str, force: bool) -> None:
    from mlspec.cli import _workflows
    from mlspec.machine import work_tree

    tree = work_tree.find(os.curdir)
    root = os.path.relpath(os.curdir if tree is None else tree.root)
    made = {os.path.normpath(os.path.join(root, name)): text for name, text in _workflows.files(host, root).items()}
    if not force:
        _demand_none(list(made), "--force overwrites it")
    for file, text in made.items():
        os.makedirs(os.path.dirname(file) or os.curdir, exist_ok=True)
        write(file, text)
        talk(printable(f"wrote {file}"))
    if host == "github":
        talk(f"next: replace {_workflows.OWNER} with the repository that has the action, and commit the files")


def _mark_lock(spec: str) -> None:
    """In a git work tree, say in ``.gitattributes`` beside the spec that its lock is generated, so that a review folds
    it away; a link is left alone."""
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
