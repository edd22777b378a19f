"""What four tools say of the same ten changes: writes docs/diff-compared.md.

    python benchmarks/diff_compared.py --graphtage venv/bin/graphtage --dvc venv/bin/dvc > docs/diff-compared.md

The changes are those of tests/diff/cases. The outputs are the tools' own, cut where they are long.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import yaml

CASES = Path(__file__).parents[1] / "tests/diff/cases"
TEN = (
    "A floor falls",
    "A sensitive column is no longer one",
    "Keys in another order",
    "Units spelled otherwise",
    "A gate more",
    "A candidate has another name",
    "Another type under the same name",
    "Steps of the preparation in another order",
    "Another seed of the split",
    "Other rows in the same file",
)
MOST_LINES, MOST_WIDTH = 14, 150
MLSPEC = str(Path(sysconfig.get_path("scripts")) / "mlspec")
HEAD = """# Four tools, ten changes

What `git diff`, [graphtage](https://github.com/trailofbits/graphtage) (a structural diff of trees), `dvc params diff`
and `mlspec diff` say of the same ten changes to one spec (`tests/diff/cases/people.yaml`). Written by
`benchmarks/diff_compared.py`; the outputs are the tools' own, long ones cut (…). dyff, which compares YAML in the same
manner as graphtage and matches entries of lists by their names, was not to be had from a package index. The first
three are asked about the spec alone: none of them knows what data belongs to it.

| | git diff | graphtage | dvc params diff | mlspec diff |
| --- | --- | --- | --- | --- |
| compares | lines | trees of values | values of keys | what the spec means |
| another spelling (`50ms`, `0.05s`) | a difference | a difference | a difference | nothing |
| keys in another order | a difference | nothing | nothing | nothing |
| an entry of a list | its line | by the least edit | the whole list | by what identifies it |
| a rename | removed and added | letters of the key | removed and added | a rename |
| stricter or laxer, exposed, comparable | | | | a class and a severity |
| what is computed anew | | | | the steps, with their time |
| data and code beside the spec | data as text | | | their content, where git has it |
| exit code | `--exit-code` | 1 where there are changes | 0 | by class: `--fail-on` |

"""


def main() -> None:
    """Run all four on each change and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphtage", required=True)
    parser.add_argument("--dvc", required=True)
    options = parser.parse_args()
    cases = {
        case["what"]: case
        for file in sorted(CASES.glob("*.yaml"))
        if file.stem != "people"
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))
    }
    page = HEAD
    for number, name in enumerate(TEN, start=1):
        page += section(number, cases[name], options.graphtage, options.dvc)
    sys.stdout.write(page)


def section(number: int, case: dict[str, object], graphtage: str, dvc: str) -> str:
    """One change, as each tool tells it."""
    before = (CASES / "people.yaml").read_text(encoding="utf-8")
    after = before
    for edit in case.get("edits", []):  # type: ignore[attr-defined]
        after = after.replace(edit["from"], edit["to"])
    rows = "number,age,job,sex,weight,city,income\n" + "".join(
        f"{i},{20 + i},{'abc'[i % 3]},{'mf'[i % 2]},{i / 2},{'xyz'[i % 3]},{'high' if i % 3 else 'low'}\n"
        for i in range(40)
    )
    made = f"## {number}. {case['what']}\n"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "project.yaml").write_text(before)
        (folder / "people.csv").write_text(rows)
        (folder / "dvc.yaml").write_text("stages:\n  all:\n    cmd: 'true'\n    params:\n      - project.yaml:\n")
        identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        for command in (
            ["git", "init", "-q"],
            [dvc, "init", "-q"],
            ["git", "add", "-A"],
            ["git", *identity, "commit", "-qm", "base"],
        ):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        (folder / "project.yaml").write_text(after)
        if "data" in case:
            (folder / "people.csv").write_text(rows + "40,60,a,m,20.0,x,low\n")
        (folder / "old.yaml").write_text(before)
        for title, command in (
            ("git diff", ["git", "diff", "-U0", "--", "project.yaml"]),
            ("graphtage", [graphtage, "--no-color", "--no-status", "--edit-digest", "old.yaml", "project.yaml"]),
            ("dvc params diff", [dvc, "params", "diff", "--targets", "project.yaml"]),
            ("mlspec diff", [MLSPEC, "diff"]),
        ):
            made += f"\n`{title}`\n\n```\n{said(command, folder)}\n```\n"
    return made + "\n"


def said(command: list[str], folder: Path) -> str:
    """What a tool prints, cut to what fits a page."""
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    if command[1] == "diff" and command[0] == "git":
        lines = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    lines = [line if len(line) <= MOST_WIDTH else line[: MOST_WIDTH - 1] + "…" for line in lines]
    more = len(lines) - MOST_LINES
    lines = lines if more <= 1 or command[0] == MLSPEC else [*lines[:MOST_LINES], f"… and {more} lines more"]
    return "\n".join(lines).strip("\n") or "(nothing)"


if __name__ == "__main__":
    main()
