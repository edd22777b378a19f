"""What docs/diff.md gives to copy works: its snippets are YAML, and GitLab's script runs against a local remote."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/diff.md").read_text(encoding="utf-8")
SPEC = (Path(__file__).parent / "cases/people.yaml").read_text(encoding="utf-8")
ROWS = "number,age,job,sex,weight,city,income\n" + "".join(
    f"{i},{20 + i},{'abc'[i % 3]},{'mf'[i % 2]},{i / 2},x,{'high' if i % 3 else 'low'}\n" for i in range(30)
)


def snippet(after: str) -> Any:
    """The YAML behind a line of the page."""
    found = re.search(rf"^{after}.*?```yaml\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, after
    return yaml.safe_load(found[1])


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_workflows_hand_the_action_what_it_takes() -> None:
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        made = yaml.safe_load(block)
        for job in made.get("jobs", {}).values() if isinstance(made, dict) else ():
            for step in job["steps"]:
                if step["uses"].startswith("OWNER/mlspec@"):
                    assert set(step["with"]) <= inputs
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for hook in snippet("pre-commit:")["repos"][0]["hooks"]} == hooks


def test_the_script_for_gitlab(tmp_path: Path) -> None:
    job = snippet("GitLab:")["mlspec"]
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    clone = tmp_path / "clone"
    git(clone, "switch", "-q", "-c", "main")
    (clone / "people.csv").write_text(ROWS)
    (clone / "project.yaml").write_text(SPEC)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "one")
    git(clone, "push", "-q", "origin", "main")
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(clone, "rev-parse", "HEAD")}

    def run() -> int:
        script = "\n".join(["set -eo pipefail", *job["script"]])
        return subprocess.run(
            ["bash", "-c", script], cwd=clone, env=environment, capture_output=True, check=False
        ).returncode

    (clone / "project.yaml").write_text(SPEC.replace("seed: 7", "seed: 8"))
    assert run() == 0
    assert "1 evaluation" in (clone / job["artifacts"]["paths"][0]).read_text()
    (clone / "project.yaml").write_text(SPEC.replace("    sensitive: [sex]\n", ""))
    assert run() == 1
