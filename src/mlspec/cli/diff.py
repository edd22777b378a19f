"""``mlspec diff``: what a change to a spec means."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from mlspec.cli import _options
from mlspec.cli._exit_codes import HOLDS_NOT, WRONG
from mlspec.cli._output import colored, form_of, result

if TYPE_CHECKING:
    from mlspec.diff.change import Diff, Overview

FORMATS = ("text", "markdown", "json", "github", "sarif", "html")


@click.command(name="diff")
@click.argument("base", required=False)
@click.argument("head", required=False)
@click.option(
    "--spec",
    metavar="SPEC",
    type=click.Path(),
    help="The spec to compare between revisions; with --all, the folder to search.",
)
@click.option("--all", "every", is_flag=True, help="Compare all specs of the repository, with one verdict.")
@click.option("--profile", metavar="NAME", help="Apply a profile to both.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override one value in both; repeatable.")
@click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    metavar="CLASS,...",
    help="Exit with 1 on changes of these classes or severities that are not accepted; any: on all; stale: on a lock "
    "that is out of date.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="WHAT=REASON",
    help="Accept a class, or a change by its path or id; repeatable.",
)
@click.option("--ignore-notes", is_flag=True, help="Notes in the spec accept nothing, only --allow does.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are changes, 0 if there are none.")
@click.option("--paired", is_flag=True, help="Compare metrics by paired predictions, where the store has them.")
@click.option("--textconv", is_flag=True, help="Print one file as lines of values, for git diff.")
@click.option("--large", is_flag=True, help="Read a spec of more than 1 MiB.")
@_options.allow_outside
@_options.formats(*FORMATS)
@_options.output
def command(
    base: str | None,
    head: str | None,
    spec: str | None,
    every: bool,
    profile: str | None,
    sets: tuple[str, ...],
    fail_on: tuple[str, ...],
    allow: tuple[str, ...],
    ignore_notes: bool,
    exit_code: bool,
    paired: bool,
    textconv: bool,
    large: bool,
    allow_outside: bool,
    form: str,
    output: str | None,
) -> int:
    """Print what the change from BASE to HEAD means: what is computed again, what becomes stricter or less strict, what
    breaks.

    BASE and HEAD are files, git revisions, or REVISION:PATH; the last commit and the working tree if left out. A single
    spec is compared with its last commit. A...B starts at the merge base. Only git and files are read: nothing is
    checked out, run or fetched.

    \b
    mlspec diff
    mlspec diff main
    mlspec diff origin/main... --format markdown
    mlspec diff --all origin/main... --format markdown
    mlspec diff old.yaml new.yaml --fail-on exposure,loosened,removed

    Classes: exposure, contract, removed, loosened, policy (errors), evaluation, tightened, cost (warnings), result
    (notice), prose (info).
    """
    if textconv:
        return _textconv(base)
    from mlspec import api

    stops = tuple(name.strip() for names in fail_on for name in names.split(",") if name.strip())
    given: dict[str, Any] = {
        "spec": spec,
        "profile": profile,
        "sets": sets,
        "allow": allow,
        "fail_on": stops,
        "count_notes": not ignore_notes,
        "large": large,
        "paired": paired,
        "allow_outside": allow_outside,
    }
    color = output is None and colored(sys.stdout)
    if every:
        if form == "html":
            raise click.UsageError("--all has no html: one of text, markdown, json, github, sarif")
        overview = api.diff_all(base, head, **given)
        result(_shown_all(overview, form, color), output, form=form_of(form))
        changed = len(overview.of("unchanged")) < len(overview.specs)
        if overview.of("unreadable"):
            return WRONG
        return HOLDS_NOT if overview.failing or (exit_code and changed) else 0
    found = api.diff(base, head, **given)
    if form == "html":
        from mlspec.diff.show.html import html
        from mlspec.diff.version import versions

        sides = versions(base, head, spec, large=large)
        text = html(found, *(side.text.decode("utf-8-sig") for side in sides))
    else:
        text = _shown(found, form, color)
    result(text, output, *(file for file in (base, head, spec) if file), form=form_of(form))
    return HOLDS_NOT if found.failing or (exit_code and found.changes) else 0


def _textconv(file: str | None) -> int:
    """What a file means; a file that is no spec is what it is."""
    from mlspec.diagnostics import SpecError
    from mlspec.diff.merge import meant
    from mlspec.diff.show.lines import lines
    from mlspec.diff.version import read

    if file is None:
        raise click.UsageError("--textconv wants a file")
    text = read(file).decode("utf-8-sig", "replace")
    try:
        result(lines(meant(text, file)))
    except SpecError:
        result(text)
    return 0


def _shown(found: "Diff", form: str, color: bool) -> str:
    match form:
        case "json":
            from mlspec.diff.change import encode

            return encode(found)
        case "markdown":
            from mlspec.diff.show.host import host
            from mlspec.diff.show.markdown import markdown

            return markdown(found, host(os.environ))
        case "github":
            from mlspec.diff.show.github import github

            return github(found)
        case "sarif":
            from mlspec.diff.show.sarif import sarif

            return sarif(found)
        case _:
            from mlspec.diff.show.text import text

            return text(found, color=color)


def _shown_all(found: "Overview", form: str, color: bool) -> str:
    match form:
        case "json":
            from mlspec.diff.change import encode

            return encode(found)
        case "markdown":
            from mlspec.diff.show import markdown
            from mlspec.diff.show.host import host

            return markdown.overview(found, host(os.environ))
        case "github":
            from mlspec.diff.show import github

            return github.overview(found)
        case "sarif":
            from mlspec.diff.show import sarif

            return sarif.overview(found)
        case _:
            from mlspec.diff.show import text

            return text.overview(found, color=color)
