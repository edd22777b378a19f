"""All reference pages: of codes, of keys, of plug-ins. ``explain`` prints one, ``schema --write`` writes them all."""

import ast
import os
from collections.abc import Iterator

from mlspec import registry

# The codes of what commands refuse themselves; rules and the language have their own pages.
OWN: dict[str, str] = {
    "no-server": """The spec states no server to log runs on.

Why: `report --mlflow` logs a run on the server that the spec names.

Instead: state `report.mlflow.tracking_uri`.
""",
    "not-logged": """A run is done, but it could not be logged on the MLflow server.

Why: a run's results are its own; a server that does not answer, or refuses, must not cost them.

Instead: see what the server says, and log the run later with `mlspec report [RUN] --mlflow`.
""",
    "lock-unreadable": """`mlspec.lock` is there and can't be read.

Why: it pins what the data was, what a run measured, and how often the test rows have judged. Taken for none, every
change would pass.

Instead: take it from version control (`git checkout mlspec.lock`), or settle the merge conflict in it. Without the file
`mlspec run` pins everything as it is now.
""",
    "state-is-a-link": """A folder that mlspec writes into is a link.

Why: results are written into `.mlspec` and `mlspec.results`, and removed there when nobody needs them. Git can carry
links: those of somebody else could lead into any folder of yours.

Instead: remove the link, or put a folder in its place; to keep results on another disk, mount it there.
""",
    "run-not-found": """There is no such run.

Why: `show` and `report` look at runs that have left a folder in `.mlspec/runs`.

Instead: `mlspec run` makes one, `mlspec runs` lists those there are.
""",
    "unknown-step": """There is no step of that id.

Why: `--only` and `--explain` name steps as the compiled graph does.

Instead: `mlspec compile` lists the steps.
""",
    "same-run": """A run can't be compared with itself.

Why: `mlspec runs A B` shows how B differs from A; a single RUN is compared with the last run.

Instead: name two runs; `mlspec runs` lists them.
""",
    "nothing-to-plot": """No run has measured such a metric or trained such a candidate.

Why: `mlspec show NAME` plots a metric over the runs, or a candidate of the last run.

Instead: `mlspec show` without a name shows what the last run measured.
""",
    "no-model": """No run of this project has selected a model.

Why: `predict` uses the model that the last run selected and exported.

Instead: `mlspec run`, or name the folder of an exported model.
""",
    "unknown-revision": """What is to be compared can't be found.

Why: `mlspec diff` takes files, git revisions, or REVISION:PATH, and guesses nothing: a name that both a file and a
revision have is refused, since a pull request can hold a file called like the branch that it is compared with. A
shallow clone has only its last commit; nothing is fetched.

Instead: name two files (`./name`), or a branch, tag or commit that is here (`name^0`); in a workflow, check out with
`fetch-depth: 0`.
""",
    "unreadable-commit": """What a commit holds can't be read.

Why: an object of git is missing (a partial clone, a damaged repository), is too large, or is nothing that git would
check out: a file named with `..`, a slash, a drive letter or `.git`, or two files of one name. Leaving it out would
make the comparison wrong.

Instead: in a workflow, check out without `filter`; elsewhere `git fetch --refetch --no-filter`, and `git fsck`. A
commit with such names was made to do harm: do not check it out.
""",
    "bad-allow": """A change is to be accepted without a reason.

Why: an accepted change is listed with its reason, for whoever reads the comparison later.

Instead: `--allow loosened='agreed with risk, ticket 12'`, or `# mlspec-allow loosened: agreed with risk, ticket 12` on
the changed line or the one above; a change's path in place of its class stands for that change alone.
""",
    "name-not-utf-8": """A file, a folder or an argument has a name that is not UTF-8 text.

Why: names stand in plans, locks and reports, which are UTF-8. Where a locale has another encoding, names in UTF-8 that
it lacks can't be used either.

Instead: rename the file or folder; in a locale without UTF-8, set `PYTHONUTF8=1`.
""",
    "file-exists": """The file to be written is there already.

Why: `init` does not overwrite a spec that somebody may have worked on.

Instead: `--force` overwrites it, `-o` names another file.
""",
    "output-is-input": """The file to be written is the one that is read.

Why: what a command prints would replace the data or the spec that it was made from.

Instead: name another file after `-o`.
""",
    "step-failed": """A step failed while it ran.

Why: something that only running could tell: the data holds what the spec did not expect, the memory was short, a
model's code raised an error. The message names the step, the place in the spec that made it, and the log.

Instead: read the cause, then the log; mend it and run again: finished steps are not done again.
""",
}


def find(topic: str) -> list[str]:
    """The pages about a code, a key (``constraints.latency``, ``at_least``) or a plug-in (``transforms/impute``)."""
    page = code_page(topic)
    if page is not None:
        return [page]
    from mlspec.spec import reference

    pages = [
        reference.plugin_page(kind, topic.removeprefix(f"{kind}/"))
        for kind in registry.KINDS
        if registry.has(kind, topic.removeprefix(f"{kind}/"))
    ]
    keys = reference.keys()
    wanted = [topic] if topic in keys else [key for key in keys if key.rpartition(".")[2] == topic]
    pages += [page for key in wanted if (page := reference.key_page(key)) is not None]
    return pages


def code_page(code: str) -> str | None:
    """The page of a code, None where there is no such code."""
    from mlspec.spec.codes import PAGES

    text = OWN.get(code) or PAGES.get(code) or _rule(code)
    return None if text is None else f"{code}\n\n{text}"


def codes() -> list[str]:
    """Every code that a diagnostic can have."""
    from mlspec.spec.codes import PAGES

    return sorted({*OWN, *PAGES, *_rules()})


def topics() -> Iterator[str]:
    """Everything that there is a page about."""
    from mlspec.spec import reference

    yield from codes()
    yield from reference.keys()
    for kind in registry.KINDS:
        yield from registry.names(kind)


def pages() -> dict[str, str]:
    """The Markdown pages of docs/reference by file name."""
    from mlspec.spec import reference

    keys = reference.keys()
    made = {
        "keys.md": _markdown("Keys", "Every key of `project.yaml`.", [reference.key_page(key) or "" for key in keys]),
        "diagnostics.md": _markdown(
            "Diagnostics", "Every code, as `mlspec explain CODE` tells it.", [code_page(code) or "" for code in codes()]
        ),
    }
    for kind in registry.KINDS:
        message = f"Every one of the {kind}, as `mlspec explain NAME` tells it."
        # What other distributions offer is not ours to document.
        own = [name for name in registry.names(kind) if registry.plugin(kind, name).__module__.startswith("mlspec.")]
        made[f"{kind}.md"] = _markdown(kind.capitalize(), message, [reference.plugin_page(kind, name) for name in own])
    return made


def _markdown(title: str, about: str, parts: list[str]) -> str:
    blocks = [f"# {title}\n\n{about} Written by `mlspec schema --write` from the code; not to be edited.\n"]
    for part in parts:
        head, _, body = part.partition("\n")
        blocks.append(f"## {head}\n\n```text\n{body.strip()}\n```\n")
    return "\n".join(blocks)


def _rules() -> list[str]:
    from mlspec.rules import check

    folder = os.path.dirname(check.__file__)
    names = (name[:-3] for name in os.listdir(folder) if name.endswith(".py"))
    return sorted(name.replace("_", "-") for name in names if name not in check.HELPERS)


def _rule(code: str) -> str | None:
    if code not in _rules():
        return None
    from pathlib import Path

    from mlspec.rules import check

    # A page needs no code to run: the docstring is read, the rule is not imported.
    path = Path(check.__file__).with_name(f"{code.replace('-', '_')}.py")
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
