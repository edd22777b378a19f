"""What ``init --ci`` writes: the files with which a code host checks and comments pull requests."""

import os
from collections.abc import Mapping

from mlspec import __version__

OWNER = "OWNER/mlspec"
MOST_FOLDERS = 20_000
CHECK = """\
# Checks the specs of a pull request and says what changes mean. It reads what strangers send, so it may write nothing.
name: mlspec
on:
  pull_request:
    types: [opened, synchronize, reopened, labeled, unlabeled]
permissions: {contents: read}
jobs:
  spec:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0, persist-credentials: false}
      - uses: @ACTION@@@VERSION@
        with: {spec: @SPEC@, comment: artifact}
"""
COMMENT = """\
# Writes what the workflow mlspec found into the pull request. It may write, and runs nothing of the pull request.
name: mlspec comment
on:
  workflow_run: {workflows: [mlspec], types: [completed]}
  pull_request_target: {types: [synchronize]}
permissions: {}
jobs:
  comment:
    if: github.event_name == 'workflow_run'
    runs-on: ubuntu-latest
    permissions: {actions: read, pull-requests: write}
    steps:
      - uses: actions/download-artifact@v4
        with:
          pattern: mlspec-diff-*
          path: diff
          run-id: ${{ github.event.workflow_run.id }}
          github-token: ${{ github.token }}
      - uses: @ACTION@/.github/actions/comment@@VERSION@
        with: {folder: diff}
  labels: # that accepted changes before the last push
    if: github.event_name == 'pull_request_target'
    runs-on: ubuntu-latest
    permissions: {pull-requests: write}
    steps:
      - uses: @ACTION@/.github/actions/unlabel@@VERSION@
"""
GITLAB = """\
# Checks the specs of a merge request, and says what its changes mean, in the artifact diff.md.
mlspec:
  image: python:3.12-slim
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  variables: {GIT_DEPTH: 0}
  before_script:
    - apt-get update -qq && apt-get install -qq --no-install-recommends git
    - python3 -I -m venv /opt/mlspec # nothing of the merge request is imported
    - /opt/mlspec/bin/python -I -m pip install --quiet mlspec-compiler==@RELEASE@
    - mlspec() { PYTHONSAFEPATH=1 PYTHONPATH= /opt/mlspec/bin/mlspec "$@"; }
  script:
    - @CHECK@
    - rm -rf diff.md # a merge request can hold a link of this name
    - mlspec diff @WHAT@ --format markdown -o diff.md -- "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
    - mlspec diff @WHAT@ --fail-on exposure,contract,removed,loosened,policy -- "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
  artifacts: {when: always, paths: [diff.md]}
"""


def files(host: str, folder: str) -> Mapping[str, str]:
    """The files for a host, by their paths from a repository's root: for its only spec, or for all."""
    from mlspec.specfile import SPEC

    found = specs(folder)
    spec = (found or [SPEC])[0] if len(found) < 2 and _is_plain(*found) else "all"
    values = {"ACTION": OWNER, "VERSION": f"v{__version__}", "RELEASE": __version__, "SPEC": spec}
    values["CHECK"] = "mlspec policy" if spec == "all" else f"mlspec validate -- {spec}"
    values["WHAT"] = "--all" if spec == "all" else f"--spec {spec}"
    made = {
        "github": {".github/workflows/mlspec.yml": CHECK, ".github/workflows/mlspec-comment.yml": COMMENT},
        "gitlab": {".gitlab-ci.yml": GITLAB},
    }[host]
    return {name: _filled(text, values) for name, text in made.items()}


def specs(folder: str) -> list[str]:
    """The specs in a folder and below it, without links and hidden folders."""
    from mlspec.specfile import SPEC

    found: list[str] = []
    for count, (at, folders, names) in enumerate(os.walk(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if SPEC in names:
            found.append(os.path.relpath(os.path.join(at, SPEC), folder).replace(os.sep, "/"))
        if count == MOST_FOLDERS:
            break
    return found


def _is_plain(*paths: str) -> bool:
    """Whether paths mean the same in YAML and in a shell as they are."""
    return all(char.isascii() and (char.isalnum() or char in "/._-") for path in paths for char in path)


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
