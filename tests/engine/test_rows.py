"""Prepared rows as arrays: the same in memory and in files, and what is reported where they are unavailable."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from msgspec.structs import replace
from tests import hardware

from mlspec.diagnostics import StepError
from mlspec.models.hist_gradient_boosting import HistGradientBoosting
from mlspec.models.lightgbm import LightGBM
from mlspec.models.sgd import Sgd
from mlspec.models.torch.cnn import Cnn
from mlspec.models.torch.ft_transformer import FtTransformer
from mlspec.plugins.base import Column
from mlspec.plugins.model import Training
from mlspec.steps.data import feature_arrays, parquet
from mlspec.steps.job import Job
from mlspec.steps.training import distributed
from mlspec.torchkit import tabular
from mlspec.torchkit.settings import Private

COUNT = 3000
STATE: dict[str, Any] = {
    "outputs": [
        {"name": "a", "type": "number", "levels": None},
        {"name": "b", "type": "code", "levels": 4},
        {"name": "c", "type": "number", "levels": None},
    ],
    "target": {"name": "y", "type": "category", "classes": ["no", "yes"]},
}


def stored(path: Path, count: int = COUNT) -> Path:
    random = np.random.default_rng(0)
    a = random.normal(size=count)
    pl.DataFrame(
        {
            "a": a,
            "b": random.integers(0, 4, count),
            "c": pl.Series(random.normal(size=count)).set(pl.Series(a > 2), None) if count == 7 else a**2,
            "__target__": (a > 0).astype(np.int64),
        }
    ).write_parquet(path, row_group_size=500)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 700)
    monkeypatch.setattr(feature_arrays, "IN_MEMORY", 1000)


def test_rows_in_files_are_the_rows_in_memory_and_leave_nothing_behind(tmp_path: Path, small: None) -> None:
    path, scratch = stored(tmp_path / "rows"), tmp_path / "scratch"
    scratch.mkdir()
    here, there = (feature_arrays.read(parquet.scan(path), STATE, *at) for at in ((), (scratch,)))
    assert there.features.is_mapped
    assert not here.features.is_mapped
    for _ in range(2):
        np.testing.assert_array_equal(here.features.numeric, there.features.numeric)
        np.testing.assert_array_equal(here.features.codes, there.features.codes)
        there.features.forget()
    np.testing.assert_array_equal(here.target, there.target)
    assert there.features.numeric.flags.c_contiguous
    assert list(scratch.iterdir()) == []
    pieces = list(feature_arrays.pieces(path, STATE))
    assert len(pieces) > 1
    np.testing.assert_array_equal(np.concatenate([f.numeric for f, _ in pieces]), here.features.numeric)


def test_a_model_that_needs_all_rows_in_memory_says_so_before_it_takes_them() -> None:
    state = {**STATE, "outputs": STATE["outputs"] * 40_000}
    with pytest.raises(StepError) as raised:
        feature_arrays.fits(COUNT, state, HistGradientBoosting(), 300_000_000)
    assert raised.value.setting == "type"
    assert str(raised.value) == (
        "3,000 training rows of 120,000 numbers take at least 2,880 MB of memory in this model, backend.memory allows "
        "300 MB: allow more, take fewer rows (rows, or data.sample), or a model that reads them piece by piece (sgd, "
        "torch.ft_transformer, torch.mlp, torch.resnet, torch.tabm)"
    )
    feature_arrays.fits(COUNT, state, HistGradientBoosting(), 3_000_000_000)
    feature_arrays.fits(COUNT, state, Sgd(), 300_000_000)


def test_a_step_of_training_that_surely_does_not_fit_says_so_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = {"name": "t", "type": "array", "levels": None, "shape": [500]}
    state = {**STATE, "outputs": [*STATE["outputs"], words]}
    with pytest.raises(StepError) as raised:
        feature_arrays.batch_fits(state, FtTransformer(), 40_000, 2_000_000_000)
    assert str(raised.value) == (
        "one step of training takes at least 12,485 MB of memory, allowed are 2,000 MB (attention between 504 tokens, "
        "one a number: 3 times in each of 2 layers 512 rows x 4 heads x 504 x 504 weights of 4 bytes): take a "
        "smaller preprocessing.image size, torch.cnn for pictures, fewer words of a text, a smaller batch_size, or "
        "dropout: 0, or allow more (backend.memory)"
    )
    feature_arrays.batch_fits(state, FtTransformer(), 40_000, 2_000_000_000, accumulate=True)
    feature_arrays.batch_fits(state, FtTransformer(), 40_000, 2_000_000_000, device="cuda:0")
    feature_arrays.batch_fits(state, FtTransformer(), 40, 2_000_000_000)
    private = Private(epsilon=1.0, delta=1e-5, key="NOISE_KEY")
    feature_arrays.batch_fits(state, FtTransformer(private=private), 40_000, 2_000_000_000)
    feature_arrays.batch_fits(state, HistGradientBoosting(), 40_000, 1)
    wide = {**STATE, "outputs": STATE["outputs"] * 400}
    monkeypatch.setattr(feature_arrays.resources, "memory", lambda: 1_000_000_000)
    with pytest.raises(StepError, match="this machine has 1,000 MB free"):
        feature_arrays.batch_fits(state, FtTransformer(), 40_000, None)
    with pytest.raises(StepError, match="9,600 MB of memory in this model, this machine has 1,000 MB free: take fewer"):
        feature_arrays.fits(1_000_000, wide, HistGradientBoosting(), None)


@pytest.mark.parametrize(
    "model",
    [FtTransformer(batch_size=4, layers=3), Cnn(channels=(4, 6, 8), convolutions=3, batch_size=4, hidden=())],
    ids=["ft_transformer", "cnn"],
)
def test_what_a_step_is_said_to_take_is_no_more_than_it_keeps_for_its_gradients(model: FtTransformer | Cnn) -> None:
    numbers, made = 20 * 14 * 3, Column("picture", "array", width=20 * 14 * 3, shape=(20, 14, 3))
    least = model.batch_memory((made,), 1000)
    assert least is not None
    config = tabular.Config(
        numeric=numbers,
        bins=0 if isinstance(model, Cnn) else 2,
        numeric_width=model.numeric_width,
        levels=(),
        widths=(),
        backbone=model.backbone(0),
        classes=2,
        centre=0.0,
        spread=1.0,
        pictures=((0, (20, 14, 3)),) if isinstance(model, Cnn) else (),
    )
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    network = tabular.build(config, None).train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(torch.randn(4, numbers), torch.zeros((4, 0), dtype=torch.int64)).sum()
    weights = {p.untyped_storage().data_ptr() for p in (*network.parameters(), *network.buffers())}
    taken = sum(size for at, size in kept.items() if at not in weights)
    assert least.rows == 4
    assert 0.5 * taken < least.size <= taken


@hardware.needs(Path("/dev/full").exists(), "there is no device that is always full")
def test_a_full_disk_is_an_error_of_the_disk(tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "r+b", buffering=0) as full:
        monkeypatch.setattr(feature_arrays.tempfile, "TemporaryFile", lambda **_: full)
        with pytest.raises(OSError, match="No space left on device"):
            feature_arrays.read(parquet.scan(stored(tmp_path / "rows")), STATE, tmp_path)


def test_trees_of_rows_in_files_are_those_of_rows_in_memory(tmp_path: Path, small: None) -> None:
    path = stored(tmp_path / "rows")
    made = {}
    for where in ("memory", "files"):
        scratch = tmp_path if where == "files" else None
        found = feature_arrays.read(parquet.scan(path), STATE, scratch)
        assert found.features.is_mapped == (where == "files")
        training = Training(
            features=found.features,
            target=found.target,
            validation=found.features,
            validation_target=found.target,
            task="binary_classification",
            classes=2,
            seed=1,
            device="cpu",
            threads=1,
            checkpoints=tmp_path,
            progress=lambda *_: None,
        )
        LightGBM(trees=20).fit(training, tmp_path / where)
        made[where] = (tmp_path / where / "model.txt").read_bytes()
    assert made["memory"] == made["files"]


TRAIN = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from mlspec.steps.data import feature_arrays as rows
    from mlspec.steps.data import parquet as tables
    from mlspec.steps.job import Job
    from mlspec.steps.training import train
    from mlspec.torchkit import loop, ordering, stepping

    folder, dies_at, mapped = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "mapped"
    tables.ROW_GROUP = 700
    rows.IN_MEMORY = 1000 if mapped else 1 << 30
    ordering.LARGE, ordering.WINDOW, ordering.BLOCK = 1000, 4000, 240
    taken = 0
    take = stepping.Stepper.take
    def counted(*given):
        global taken
        taken += 1
        if taken == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return take(*given)
    stepping.Stepper.take = counted
    train_, init = loop._train, loop.Settings
    loop.Settings = lambda **given: init(**given, checkpoint_seconds=0.0)
    store = Path(sys.argv[4])
    model = ["torch.mlp", {"hidden": [8], "epochs": 3, "batch_size": 64, "dropout": 0.2, "bins": 4}]
    folder.mkdir(parents=True, exist_ok=True)
    train.run(Job(id="train.mlp", kind="train",
        params={"model": model, "seed": 1, "task": "binary_classification"},
        inputs={"train": store / "rows", "validation": store / "rows", "state": store / "state"},
        outputs={"model": folder / "model", "history": folder / "history"}, scratch=folder, root=folder))
    print(taken)
    """
)


def trained(folder: Path, where: str, dies_at: int = 0) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(folder), str(dies_at), where, str(folder.parent)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_a_training_on_files_is_that_in_memory_and_goes_on_when_it_was_killed(tmp_path: Path) -> None:
    stored(tmp_path / "rows")
    (tmp_path / "state").write_text(json.dumps(STATE))
    code, whole, told = trained(tmp_path / "memory", "memory")
    assert code == 0, told
    code, _, told = trained(tmp_path / "files", "mapped", dies_at=50)  # in the second epoch
    assert code == -signal.SIGKILL, told
    code, rest, told = trained(tmp_path / "files", "mapped")
    assert code == 0, told
    assert int(rest) < int(whole)
    assert {path.name for path in (tmp_path / "files").iterdir()} == {"model", "history", "checkpoints"}
    for name in ("model/model.safetensors", "history"):
        assert (tmp_path / "files" / name).read_bytes() == (tmp_path / "memory" / name).read_bytes()


# Trains two networks, with quantiles of the rows and with their moments; each process says how many rows it holds.
WORK = """
import os, signal
from msgspec.structs import replace
from mlspec.steps.data import feature_arrays, parquet
from mlspec.steps.training import train
from mlspec.torchkit import batches, loop, ordering, statistics, stepping

parquet.ROW_GROUP, batches.GATHERED = 700, 1500
statistics.LOOKED_AT, statistics.PIECE = 200, 6000
ordering.LARGE, ordering.WINDOW, ordering.BLOCK = 1000, 4000, 240
settings, take, taken = loop.Settings, stepping.Stepper.take, 0
loop.Settings = lambda **given: settings(**given, checkpoint_seconds=0.0)

def run(job):
    feature_arrays.IN_MEMORY = 1000 if job.params["shares"] else 1 << 30
    read = feature_arrays._with_target

    def told(features, *given):
        with (job.root / f"held-{os.environ['RANK']}").open("a") as file:
            file.write(f"{len(features.codes)} ")
        return read(features, *given)

    def counted(*given):
        global taken
        taken += 1
        if os.environ["RANK"] == "1" and taken == job.params["dies_at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return take(*given)

    feature_arrays._with_target, stepping.Stepper.take = told, counted
    for bins in (4, 0):
        model = {"hidden": [8], "epochs": 2, "batch_size": 64, "dropout": 0.2, "bins": bins, "class_weight": "balanced"}
        outputs = {name: path / str(bins) for name, path in job.outputs.items()}
        for path in job.outputs.values():
            path.mkdir(parents=True, exist_ok=True)
        params = {"model": ["torch.mlp", model], "seed": 1, "task": "binary_classification"}
        train.run(replace(job, outputs=outputs, params=params, scratch=job.scratch / str(bins)))
    (job.root / f"taken-{os.environ['RANK']}").write_text(str(taken))
"""


@pytest.mark.slow
def test_processes_read_their_share_of_a_large_table_and_train_as_with_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "state").write_text(json.dumps(STATE))
    rows = pl.read_parquet(stored(tmp_path / "whole"))
    (tmp_path / "parts").mkdir()
    for number, (start, stop) in enumerate(((0, 1), (1, 1999), (1999, 1999), (1999, 2400), (2400, COUNT))):
        rows[start:stop].write_parquet(tmp_path / "parts" / f"{number}.parquet")
    made: dict[str, dict[int, tuple[Any, bytes]]] = {}
    held: dict[str, list[str]] = {}
    for name, count, where in (("one", 1, "whole"), ("all", 3, "whole"), ("shares", 3, "parts")):
        folder = tmp_path / name
        for bins in (4, 0):
            (folder / str(bins)).mkdir(parents=True)
        job = Job(
            id="train.mlp",
            kind="train",
            params={"shares": where == "parts", "dies_at": 0},
            inputs={"train": tmp_path / where, "validation": tmp_path / "parts", "state": tmp_path / "state"},
            outputs={"model": folder / "model", "history": folder / "history"},
            scratch=folder,
            root=folder,
            processes=count,
        )
        if where == "parts":
            # In the second epoch of the first network: the next attempt goes on there.
            with pytest.raises(StepError, match=r"^process 2 of 3 was killed by SIGKILL$"):
                distributed.together(replace(job, params={**job.params, "dies_at": 60}), "shared_work")
        distributed.together(job, "shared_work")
        held[name] = [(folder / f"held-{rank}").read_text() for rank in range(count)]
        made[name] = {
            bins: (
                json.loads((folder / "history" / str(bins)).read_text()),
                (folder / "model" / str(bins) / "model.safetensors").read_bytes(),
            )
            for bins in (4, 0)
        }
    assert held == {"one": ["3000 " * 4], "all": ["3000 " * 4] * 3, "shares": ["1000 " * 6] * 3}
    whole, rest = (int((tmp_path / name / "taken-2").read_text()) for name in ("all", "shares"))
    assert rest < whole - 46  # steps of an epoch
    assert made["shares"] == made["all"]
    for bins, (history, _weights) in made["shares"].items():
        for losses in ("train_loss", "validation_loss"):
            assert history[losses] == pytest.approx(made["one"][bins][0][losses], rel=1e-5)
