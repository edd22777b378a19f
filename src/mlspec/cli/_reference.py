"""All reference pages: of codes, of keys, of plug-ins. ``explain`` prints one, ``schema --write`` writes them all."""

import ast
import re
from collections.abc import Iterator

from mlspec import registry
from mlspec.release.codes import PAGES as RELEASE

# The codes of what commands refuse themselves; rules and the language have their own pages.
OWN: dict[str, str] = {
    "bad-log": """A request log can't be used.

Why: `mlspec monitor` reads `LOG/YYYY-MM-DD/PART.parquet`. A part that is damaged is left out and named; where no part
can be read, or none has a row of the model, there is nothing to judge.

Instead: name the folder that `mlspec serve` writes, and the package that answered. The log names a model by the SHA-256
digest of its `package.json`.
""",
    "bad-labels": """A table of labels can't be used.

Why: each row needs the id of the request and the true outcome: the columns `operation.labels.key` and the target. A
column `row` says which row of the request it is, where a request has several.

Instead: name the columns so, or set `operation.labels.key`.
""",
    "bad-candidate": """A candidate can't be compared with the model in service.

Why: both are compared on the same labelled rows of the request log, which must be later than all that the candidate was
trained on, and have every column that it reads.

Instead: name a model of the same target and classes, and a time `--since` after which rows have labels.
""",
    "bad-webhook": """An address is no webhook.

Why: `--webhook` posts JSON over HTTP, and nothing else.

Instead: give an address that begins with https:// or http://.
""",
    "no-retrain": """A spec, or an exported model, does not say when and how it is to be trained again.

Why: `mlspec retrain` decides by the reasons that the spec states, and trains on the source that it names.

Instead: state `operation.retrain` with `when` and `source`, run again, and use the new package.
""",
    "no-retraining": """There is no retraining to give up.

Why: `mlspec retrain --drop` ends a retraining that waits for a commit, an approval or a promotion.

Instead: `mlspec retrain LOG` begins one, where a reason of `operation.retrain` holds.
""",
    "no-reference": """An exported model has no sketch of its test rows.

Why: monitoring compares the request log with `reference.json` in the package. A run adds it where the spec says what is
to be monitored.

Instead: state `operation.monitor`, run again, and use the new package.
""",
    "open-without-token": """A service would listen at an address of the network, and ask for no token.

Why: everybody on the network could query the model, and use this machine's time. 127.0.0.1, the default, is reachable
from this machine only.

Instead: `mlspec serve --token-file FILE`, with a token of at least 16 characters in each line, or the same in the
variable `MLSPEC_SERVE_TOKENS`; `--without-token` where a proxy in front asks who it is.
""",
    "token-unclear": """The tokens of a service cannot be read, or one is shorter than 16 characters.

Why: a token is all that a client needs, so it must not be guessed.

Instead: write a line of `openssl rand -hex 24` into the file for each client, or for the old and the new token while
clients change.
""",
    "address-unavailable": """A service cannot listen at its address.

Why: another process listens there, the address is of another machine, or the port needs more rights.

Instead: end the other process, or state another `--port`; 0 takes any that is free, and the start line shows it.
""",
    "onnx-unusable": """There is no ONNX file that can be served.

Why: `mlspec serve --format onnx` serves the file of a release as it was released. It has the operations that mlspec
writes and no others, no data in other files, and the columns of the package beside it.

Instead: release the model with `operation: {release: {formats: [native, onnx]}}`, and serve the bundle; or serve it
without `--format onnx`.
""",
    "service-unclear": """What a bundle, or a run's resolved spec, says of its service cannot be read.

Why: `operation.serve` and `operation.log` have the limits of the service, which must not be others than was decided.

Instead: restore the file, or run or release the project again.
""",
    "no-server": """The spec names no server to log runs to.

Why: `report --mlflow` logs a run to the server that the spec names.

Instead: set `report.mlflow.tracking_uri`.
""",
    "not-logged": """A run is done, but could not be logged to the MLflow server.

Why: results must not be lost because a server does not answer or refuses.

Instead: read the server's message, and log the run later with `mlspec report [RUN] --mlflow`.
""",
    "lock-unreadable": """`mlspec.lock` exists but cannot be read.

Why: it pins the data, the measured values, and how often the test rows were used. Treating it as missing would accept
every change.

Instead: restore it from version control (`git checkout mlspec.lock`), or resolve the merge conflict in it. Without the
file, `mlspec run` pins the current state.
""",
    "state-is-a-link": """A folder that mlspec writes to is a link.

Why: mlspec writes and deletes results in `.mlspec` and `mlspec.results`. Git can contain links, and a link made by
someone else could point to any of your folders.

Instead: remove the link, or replace it with a folder; to keep results on another disk, mount that disk there.
""",
    "run-not-found": """There is no such run.

Why: `show` and `report` read the folders of runs in `.mlspec/runs`.

Instead: `mlspec run` makes a run, `mlspec runs` lists the existing ones.
""",
    "unknown-step": """There is no step with that id.

Why: `--only` and `--explain` name steps as the compiled graph does.

Instead: `mlspec compile` lists the steps.
""",
    "same-run": """A run cannot be compared with itself.

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
    "unknown-revision": """A file or revision to compare cannot be found.

Why: `mlspec diff` takes files, git revisions, or REVISION:PATH, and does not guess: a name that is both a file and a
revision is an error, because a pull request can add a file with the name of the branch that it is compared with. A
shallow clone contains only its last commit; nothing is fetched.

Instead: name two files (`./name`), or a local branch, tag or commit (`name^0`); in a workflow, check out with
`fetch-depth: 0`.
""",
    "unreadable-commit": """The contents of a commit cannot be read.

Why: a git object is missing (a partial clone, a damaged repository), is too large, or is one that git would not
check out: a file name with `..`, a slash, a drive letter or `.git`, or two files with one name. Skipping it would
make the comparison wrong.

Instead: in a workflow, check out without `filter`; elsewhere `git fetch --refetch --no-filter`, and `git fsck`. A
commit with such names is probably malicious: do not check it out.
""",
    "bad-allow": """A change is accepted without a reason.

Why: an accepted change is listed with its reason, for later readers of the comparison.

Instead: `--allow loosened='agreed with risk, ticket 12'`, or `# mlspec-allow loosened: agreed with risk, ticket 12` on
the changed line or the one above; a path instead of a class accepts only that change.
""",
    "name-not-utf-8": """A file, a folder or an argument has a name that is not UTF-8 text.

Why: plans, locks and reports contain names and are UTF-8. In a locale with another encoding, UTF-8 names that it cannot
represent cannot be used either.

Instead: rename the file or folder; in a locale without UTF-8, set `PYTHONUTF8=1`.
""",
    "file-exists": """The output file exists already.

Why: `init` does not overwrite a spec that may have been edited.

Instead: `--force` overwrites it, `-o` names another file.
""",
    "output-is-input": """The output file is one of the input files.

Why: the output would overwrite the data or the spec that it is made from.

Instead: name another file after `-o`.
""",
    "step-failed": """A step failed while it ran.

Why: some errors appear only while a step runs: unexpected data, too little memory, an exception in a model's code. The
message names the step, its place in the spec, and the log.

Instead: read the cause, then the log; fix it and run again: finished steps do not run again.
""",
}


# Words that people look for, and that no page has: the topics that they mean.
COMMON = {
    "churn": ("project.task", "data.columns.positive", "project.users.mistakes", "average_precision", "lightgbm"),
    "fraud": (
        "data.columns.positive",
        "project.users.mistakes",
        "average_precision",
        "expected_cost",
    ),
    "forecast": ("data.split.by", "data.split.gap", "cyclical", "previous", "mae"),
    "overfitting": ("model.cross_validation", "data.split.validation", "model.checks", "evaluation.scaling"),
    "imbalance": ("data.split.stratify", "average_precision", "balanced_accuracy", "project.users.mistakes"),
    "explainability": ("evaluation.importance", "evaluation.worst_slice"),
    "accuracy": ("evaluation.metrics", "constraints.quality"),
    "price": ("project.task", "mae", "rmse", "mape"),
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

    text = OWN.get(code) or PAGES.get(code) or RELEASE.get(code) or _rule(code)
    return None if text is None else f"{code}\n\n{text}"


def codes() -> list[str]:
    """Every code that a diagnostic can have."""
    from mlspec.rules.check import files
    from mlspec.spec.codes import PAGES

    return sorted({*OWN, *PAGES, *RELEASE, *files()})


def topics() -> Iterator[str]:
    """Everything that there is a page about."""
    from mlspec.spec import reference

    yield from codes()
    yield from reference.keys()
    for kind in registry.KINDS:
        yield from registry.names(kind)


def grouped() -> Iterator[tuple[str, list[str]]]:
    """All topics by what they are: errors, the keys of each section, each kind of plug-in."""
    from mlspec.spec import reference

    yield "errors", codes()
    sections: dict[str, list[str]] = {}
    names = reference.keys()
    for key in names:
        sections.setdefault(key.partition(".")[0], []).append(key)
    yield from ((f"keys of {section}", keys) for section, keys in sections.items())
    yield from ((kind, registry.names(kind)) for kind in registry.KINDS)


def mentions(word: str) -> Iterator[tuple[str, str]]:
    """The topics whose names or pages have a word, each with what its page says first."""
    from mlspec.spec import reference

    whole = re.compile(rf"(?<![^\W_]){re.escape(word)}s?(?![^\W_])", re.IGNORECASE)
    made = [(code, code_page(code) or "") for code in codes()]
    made += [(key, reference.key_page(key) or "") for key in list(reference.keys())]
    for kind in registry.KINDS:
        made += [(name, reference.plugin_page(kind, name)) for name, _ in registry.usable(kind)]
    names = COMMON.get(word.lower().removesuffix("s"), ())
    for topic, page in made:
        if topic in names or whole.search(topic) or whole.search(page):
            yield topic, next(iter(page.split("\n\n")[1:2]), "").partition("\n")[0]


def pages() -> dict[str, str]:
    """The Markdown pages of docs/reference by file name."""
    from mlspec.spec import reference

    keys = reference.keys()
    made = {
        "keys.md": _markdown("Keys", "Every key of `project.yaml`.", [reference.key_page(key) or "" for key in keys]),
        "diagnostics.md": _markdown(
            "Diagnostics",
            "Every code, as printed by `mlspec explain CODE`.",
            [code_page(code) or "" for code in codes()],
        ),
    }
    for kind in registry.KINDS:
        message = f"All {kind}, as printed by `mlspec explain NAME`."
        # What other distributions offer is not ours to document.
        own = [name for name, cls in registry.usable(kind) if cls.__module__.startswith("mlspec.")]
        made[f"{kind}.md"] = _markdown(kind.capitalize(), message, [reference.plugin_page(kind, name) for name in own])
    return made


def _markdown(title: str, about: str, parts: list[str]) -> str:
    blocks = [f"# {title}\n\n{about} Generated by `mlspec schema --write`; do not edit.\n"]
    for part in parts:
        head, _, body = part.partition("\n")
        blocks.append(f"## {head}\n\n```text\n{body.strip()}\n```\n")
    return "\n".join(blocks)


def _rule(code: str) -> str | None:
    from mlspec.rules.check import files

    file = files().get(code)
    # A page needs no code to run: the docstring is read, the rule is not imported.
    return None if file is None else ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
