"""Carries out actions and workflows as a runner of the host does: shell steps as they are, expressions by their rules
as far as ours use them, artifacts in a folder. ``gh``, which speaks to the service, writes down what is asked."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash") or "bash"
ACTIONS = {
    "": ROOT / "action.yml",
    "/.github/actions/comment": ROOT / ".github/actions/comment/action.yml",
    "/.github/actions/unlabel": ROOT / ".github/actions/unlabel/action.yml",
}
OURS = re.compile(r"OWNER/mlspec(/[\w./-]+)?@v[\d.]+")
# The command as pip installs it, of this tree wherever it is installed.
MLSPEC = f"""#!{sys.executable} -I
import sys
sys.path[:0] = [{str(ROOT / "src")!r}, {str(ROOT / "backends")!r}]
from mlspec.cli import main
sys.exit(main())
"""
GH = """#!/bin/sh
printf '%s\\n' "$*" >>"$GH_LOG"
case "$*" in
  *--paginate*) printf '%s' "$GH_KNOWN" ;;
  *"--method GET"*) printf '%s' "$GH_NUMBER" ;;
  *body=@*) for last in "$@"; do file=${last#body=@}; done; cat "$file" >>"$GH_LOG" ;;
esac
"""


class Runner:
    """A runner's machine: ``folder`` is the checkout, ``scratch`` is for temporary files, ``more`` are variables."""

    def __init__(self, folder: Path, scratch: Path, **more: str) -> None:
        self.folder, self.scratch = folder, scratch
        self.outputs: dict[str, dict[str, str]] = {}
        self.log = ""
        self.artifacts = scratch / "artifacts"
        (scratch / "bin").mkdir(parents=True)
        path = f"{scratch / 'bin'}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "RUNNER_TEMP": str(scratch), "GITHUB_ACTION_PATH": str(ROOT)}
        self.environment = {**os.environ, **own, **more, "GH_LOG": str(scratch / "gh.log")}
        for name, program in (("gh", GH), ("mlspec", MLSPEC)):
            (scratch / "bin" / name).write_text(program)
            (scratch / "bin" / name).chmod(0o755)

    @property
    def asked(self) -> str:
        """All that was asked of the service, with the texts of comments."""
        log = self.scratch / "gh.log"
        return log.read_text() if log.exists() else ""

    def workflow(self, text: str, values: dict[str, Any]) -> dict[str, int]:
        """The exit codes of a workflow's jobs, one for each combination of its matrix."""
        made = yaml.safe_load(text)
        codes = {}
        for name, job in made["jobs"].items():
            if not self.wanted(job.get("if"), values):
                continue
            matrix = job.get("strategy", {}).get("matrix", {"": [""]})
            ((key, entries),) = matrix.items()
            for entry in entries:
                own = values | {f"matrix.{key}": entry}
                codes[f"{name} {entry}".strip()] = self.run(job["steps"], own)
        return codes

    def run(self, steps: list[dict[str, Any]], values: dict[str, Any]) -> int:
        """The exit code of the first step that fails, 0 where none does."""
        for step in steps:
            if not self.wanted(step.get("if"), values):
                continue
            code = self._script(step, values) if "run" in step else self._used(step, values)
            if code:
                return code
        return 0

    def _script(self, step: dict[str, Any], values: dict[str, Any]) -> int:
        files = {name: self.scratch / f"{name}.{len(self.log)}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        own = {name: self.filled(value, values) for name, value in step.get("env", {}).items()}
        command = [BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        environment = {**self.environment, **own, **{name: str(file) for name, file in files.items()}}
        done = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, check=False, env=environment)
        self.log += f"{step['name']}\n{done.stdout}{done.stderr}"
        pairs = [line.partition("=") for line in files["GITHUB_OUTPUT"].read_text().splitlines()]
        self.outputs[step.get("id", step["name"])] = {name: value for name, _, value in pairs}
        self.log += files["GITHUB_STEP_SUMMARY"].read_text()
        return done.returncode

    def _used(self, step: dict[str, Any], values: dict[str, Any]) -> int:
        name = step["uses"]
        given = {key: self.filled(str(value), values) for key, value in step.get("with", {}).items()}
        if name.startswith("actions/checkout@"):
            assert given["persist-credentials"] in ("False", "false")
        elif name.startswith("actions/upload-artifact@"):
            # As the service does: a name that is taken is an error, and what is no regular file is not kept.
            assert re.fullmatch(r"[\w.-]+", given["name"])
            shutil.copytree(given["path"], self.artifacts / given["name"])
        elif name.startswith("actions/download-artifact@"):
            found = [one for one in self.artifacts.iterdir() if one.match(given["pattern"])]
            for one in found:
                shutil.copytree(one, self.folder / given["path"] / one.name)
        else:
            ours = OURS.fullmatch(name)
            assert ours is not None, name
            file = ACTIONS[ours[1] or ""]
            action = yaml.safe_load(file.read_text())
            kept, self.outputs = self.outputs, {}
            own = inputs(action) | values | {f"inputs.{key}": value for key, value in given.items()}
            before = self.environment["GITHUB_ACTION_PATH"]
            self.environment["GITHUB_ACTION_PATH"] = str(file.parent)
            code = self.run(action["runs"]["steps"], own)
            self.outputs, self.environment["GITHUB_ACTION_PATH"] = kept, before
            return code
        return 0

    def filled(self, text: str, values: dict[str, Any]) -> str:
        """A text with the values of its expressions: ``a || b`` is the first that there is."""
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: self._first(found[1], values), text)

    def _first(self, expression: str, values: dict[str, Any]) -> str:
        return next((value for part in expression.split("||") if (value := self._value(part.strip(), values))), "")

    def _value(self, name: str, values: dict[str, Any]) -> str:
        if name.startswith("'"):
            return name.strip("'")
        if name.startswith("toJSON("):
            return json.dumps(values.get(name[7:-1], []), indent=2)
        if name.startswith("steps."):
            _, step, _, output = name.split(".")
            return self.outputs.get(step, {}).get(output, "")
        return str(values.get(name) or "")

    def wanted(self, condition: str | None, values: dict[str, Any]) -> bool:
        """Whether a condition holds: comparisons with texts, and values that have to be there."""
        for part in (condition or "").removeprefix("${{").removesuffix("}}").split("&&"):
            name, equals, text = part.strip().partition(" == ")
            if name and (self._value(name, values) != text.strip("'") if equals else not self._value(name, values)):
                return False
        return True


def inputs(action: dict[str, Any]) -> dict[str, str]:
    """The inputs of an action with their defaults; expressions in these are not needed here."""
    return {f"inputs.{name}": str(about.get("default", "")) for name, about in action.get("inputs", {}).items()}
