"""What ``storage.keep`` removes once a run has succeeded, and what it never does."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mlspec import api, paths
from mlspec.api.keeping import collect
from mlspec.engine.run import run_record
from mlspec.engine.run.lockfile import read as read_lock
from mlspec.store import upkeep
from mlspec.store.store import Store

SPEC = """\
project: {{name: small}}
data:
  sources: {{people: {{{source}}}}}
  columns: {{target: income}}
model: {{candidates: {{one: {{type: logistic_regression, C: {strength}}}}}}}
storage: {storage}
backend: {{engine: inline}}
"""
CSV = "age,income\n" + "".join(f"{20 + i},{['low', 'high'][i % 7 > 2]}\n" for i in range(80))


def ran(folder: Path, strength: float, storage: str = "{keep: 2 runs}", source: str = "path: people.csv") -> str:
    (folder / "project.yaml").write_text(SPEC.format(strength=strength, storage=storage, source=source))
    facts = api.run(folder / "project.yaml")
    assert facts.failures == ()
    return facts.id


def results(folder: Path) -> int:
    return sum(1 for _ in Store(paths.store(paths.home(folder))).actions())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text(CSV)
    return tmp_path


def test_older_runs_go_with_what_they_alone_hold(folder: Path) -> None:
    first = ran(folder, 1.0)
    one = results(folder)
    kept = [ran(folder, 2.0), ran(folder, 3.0)]
    home = paths.home(folder)
    assert [path.name for path in run_record.folders(home)] == kept[::-1]
    assert not (home / "removing").exists()
    assert results(folder) < 3 * one
    assert list(upkeep.verify(Store(paths.store(home)))) == []
    locked = read_lock(folder / "mlspec.lock")
    assert locked is not None
    store = Store(paths.store(home))
    assert all(store.lookup(step.fingerprint) for step in locked.steps.values())
    # Nothing that stays is made again; what has gone is.
    assert not api.run(folder / "project.yaml").folder
    assert ran(folder, 1.0) != first


def test_what_an_unfinished_run_had_made_stays(folder: Path) -> None:
    ran(folder, 1.0)
    killed = paths.runs(paths.home(folder)) / "29990101T000000000Z-dead"
    killed.mkdir()
    done = run_record.folders(paths.home(folder))[1]
    (killed / run_record.EVENTS).write_bytes((done / run_record.EVENTS).read_bytes())
    before = {action.fingerprint for action in Store(paths.store(paths.home(folder))).actions()}
    ran(folder, 2.0)
    assert killed.exists()
    assert not done.exists()
    assert before <= {action.fingerprint for action in Store(paths.store(paths.home(folder))).actions()}


KILLED = """
import os, signal, sys
from pathlib import Path
from mlspec.engine.run import retention
from mlspec.store import files, upkeep

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

at = sys.argv[2]
if at == "moved":
    files.sync_folder = die
else:
    upkeep.collect = die
retention.prune(Path(sys.argv[1]), 1, None)
"""


@pytest.mark.parametrize("at", ["moved", "before the results"])
def test_killed_half_way_it_leaves_whole_runs_and_is_done_by_the_next(folder: Path, at: str) -> None:
    for strength in (1.0, 2.0, 3.0):
        ran(folder, strength, "{}")
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), at], check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    home = paths.home(folder)
    assert len([run_record.read(path) for path in run_record.folders(home)]) == 1
    assert list(upkeep.verify(Store(paths.store(home)))) == []
    ran(folder, 4.0, "{keep: 1 run}")
    assert not (home / "removing").exists()
    assert len(run_record.folders(home)) == 1


@pytest.mark.slow
def test_a_collection_keeps_what_is_stated_and_knows_snapshots(folder: Path) -> None:
    source = "connection: 'sqlite:people.db', table: people"
    for index in range(4):
        with sqlite3.connect(folder / "people.db") as database:
            database.execute("CREATE TABLE IF NOT EXISTS people (age INTEGER, income TEXT)")
            rows = [(20 + i, ["low", "high"][i % 7 > 2]) for i in range(60 + index)]
            database.execute("DELETE FROM people")
            database.executemany("INSERT INTO people VALUES (?, ?)", rows)
        database.close()
        ran(folder, 1.0, "{snapshots: {keep: 4}}", source)
    snapshots = folder / ".mlspec/snapshots/people"
    assert len(list(snapshots.glob("*.parquet"))) == 4
    text = (folder / "project.yaml").read_text()
    (folder / "project.yaml").write_text(text.replace("snapshots: {keep: 4}", "keep: 2 runs, snapshots: {keep: 1}"))
    assert collect(folder / "project.yaml").results > 0
    assert len(run_record.folders(paths.home(folder))) == 2
    assert len(list(snapshots.glob("*.parquet"))) == 1
    assert api.run(folder / "project.yaml").folder, "the spec says something else now"
    assert not api.run(folder / "project.yaml").folder
