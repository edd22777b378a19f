import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mlspec.diagnostics import StepError
from mlspec.torchkit import checkpoint, device, loop, outputs

# Trains a small network with dropout and dies by SIGKILL at the given call of the loss, if one is given.
SCRIPT = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    import torch
    from torch import nn
    from safetensors.torch import save_file
    from mlspec.torchkit import device, loop

    folder, dies_at = Path(sys.argv[1]), int(sys.argv[2])
    torch.manual_seed(99)
    inputs = torch.randn(500, 6)
    rows = loop.Rows((inputs[:400],), (inputs[:400, 0] > 0).float())
    validation = loop.Rows((inputs[400:],), (inputs[400:, 0] > 0).float())
    calls = 0

    def loss(output, target):
        global calls
        calls += 1
        if calls == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return nn.functional.binary_cross_entropy_with_logits(output.squeeze(1), target)

    with device.seeded(3, torch.device("cpu"), 1):
        module = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
        settings = loop.Settings(epochs=6, batch_size=64, learning_rate=0.01, patience=3, checkpoint_seconds=0.0)
        history = loop.train(module, rows, validation, loss, settings, seed=3, folder=folder, progress=lambda *_: None)
    save_file(module.state_dict(), folder / "weights.safetensors")
    print(calls, history)
    """
)


def train(folder: Path, dies_at: int = 0) -> tuple[int, str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(dies_at)], capture_output=True, text=True, env=environment
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode, done.stdout


@pytest.mark.slow
def test_a_training_killed_again_and_again_ends_with_the_very_same_weights(tmp_path: Path) -> None:
    code, whole = train(tmp_path / "whole")
    assert code == 0
    for dies_at in (4, 9, 12):  # in the first epoch, between epochs, in a later one
        assert train(tmp_path / "killed", dies_at)[0] == -signal.SIGKILL
    code, resumed = train(tmp_path / "killed")
    assert code == 0
    assert int(resumed.split()[0]) < int(whole.split()[0]), "nothing was gone on from"
    assert resumed.split(" ", 1)[1] == whole.split(" ", 1)[1]
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]


def small(
    folder: Path, progress: list[Any] | None = None, until: int | None = None, **settings: Any
) -> tuple[nn.Module, dict[str, Any]]:
    with device.seeded(0, torch.device("cpu"), 1):
        inputs = torch.randn(200, 3)
        rows = loop.Rows((inputs,), inputs.sum(dim=1, keepdim=True))
        module = nn.Linear(3, 1)
        chosen = loop.Settings(**{"epochs": 4, "batch_size": 32, "learning_rate": 0.05, **settings})
        history = loop.train(
            module,
            rows,
            rows,
            nn.functional.mse_loss,
            chosen,
            seed=0,
            folder=folder,
            progress=lambda *told: progress.append(told) if progress is not None else None,
            until=until,
        )
    return module, history


def test_a_training_paused_after_any_epoch_ends_with_the_very_same_weights(tmp_path: Path) -> None:
    whole, history = small(tmp_path / "whole")
    for stops in ([1, 2, 3, 4], [3, 4], [4]):
        folder = tmp_path / f"{stops}"
        for stop in stops:
            module, told = small(folder, until=stop)
            assert told.get("paused", False) == (stop < 4)
            assert told["epochs"] == stop
        assert told["validation_loss"] == history["validation_loss"]
        assert all(torch.equal(a, b) for a, b in zip(module.parameters(), whole.parameters(), strict=True))


@pytest.mark.parametrize("damage", ["cut", "other settings", "noise"])
def test_a_checkpoint_that_does_not_fit_is_not_gone_on_from(tmp_path: Path, damage: str) -> None:
    fresh, _ = small(tmp_path / "fresh")
    other = {"epochs": 3} if damage == "other settings" else {}
    small(tmp_path / "used", checkpoint_seconds=0.0, **other)
    file = tmp_path / "used" / checkpoint.NAME
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    if damage == "noise":
        file.write_bytes(os.urandom(300))
    again, _ = small(tmp_path / "used")
    assert torch.equal(fresh.weight, again.weight)


def test_progress_tells_each_epoch_and_its_losses(tmp_path: Path) -> None:
    told: list[Any] = []
    _, history = small(tmp_path, told)
    assert [what for what, _, _ in told] == [f"epoch {n} of 4" for n in (1, 2, 3, 4)]
    assert told[-1][1] == 1.0
    assert told[-1][2]["validation_loss"] == history["validation_loss"][-1]
    assert history["best_epoch"] == 4


def test_no_better_loss_stops_the_training_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    # A rate far too high: the loss soon explodes, and what it was at its best is what stays.
    module, history = small(tmp_path, learning_rate=3.0, schedule="constant", epochs=50, patience=3, clip_norm=None)
    assert history["epochs"] == history["best_epoch"] + 3 < 50
    inputs = torch.zeros(1, 3)
    assert torch.isfinite(module(inputs)).all()
    assert min(history["validation_loss"]) == history["validation_loss"][history["best_epoch"] - 1]


def test_global_state_of_torch_is_left_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    small(tmp_path)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_a_device_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StepError, match="'tpu9' is no device that torch knows"):
        device.find("tpu9")
    if not torch.cuda.is_available():
        with pytest.raises(StepError, match="torch sees no CUDA device"):
            device.find("cuda")


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_an_ensemble_is_judged_by_its_mean_answer(classes: int, weighed: bool) -> None:
    torch.manual_seed(0)
    raw = torch.randn(50, 4, outputs.count(classes))  # 50 rows, 4 members
    truth = np.arange(50) % classes if classes else np.linspace(-1, 1, 50)
    counts = np.linspace(0, 2, 50) if weighed else np.ones(50)
    wanted = outputs.target(truth, classes, 0.0, 1.0, torch.device("cpu"))
    wanted = outputs.weighted(wanted, counts if weighed else None)
    answer = np.mean([outputs.answer(raw[:, member], classes, 0.0, 1.0) for member in range(4)], axis=0)
    each = -np.log(answer[np.arange(50), truth]) if classes else (answer - truth) ** 2
    judged = float(outputs.of_their_mean(classes)(raw, wanted))
    assert judged == pytest.approx((each * counts).mean(), rel=1e-5)
    assert judged < float(outputs.of_members(classes)(raw, wanted))


def test_training_ends_when_the_time_is_over(tmp_path: Path) -> None:
    torch.manual_seed(1)
    inputs = torch.randn(200, 4)
    rows = loop.Rows((inputs,), (inputs[:, 0] > 0).float())
    told: list[str] = []

    def trained(seconds: float | None, epochs: int = 5) -> dict[str, Any]:
        with device.seeded(3, torch.device("cpu"), 1):
            module = nn.Linear(4, 1)
            settings = loop.Settings(epochs=epochs, batch_size=50, learning_rate=0.01, seconds=seconds)
            return loop.train(
                module,
                rows,
                None,
                lambda output, target: nn.functional.binary_cross_entropy_with_logits(output.squeeze(1), target),
                settings,
                seed=3,
                folder=tmp_path / str(seconds),
                progress=lambda what, _share, _figures: told.append(what),
            )

    assert (trained(0.0)["epochs"], trained(0.0)["stopped"]) == (1, "time")
    assert told[0] == "epoch 1 of 5"
    long = trained(1e6)
    assert (long["epochs"], "stopped" in long) == (5, False)
    assert long["train_loss"] == trained(None)["train_loss"]
    # The schedule fits the time: of ten million epochs alone, it would still be at the first steps of the warm-up.
    short = trained(0.3, epochs=10_000_000)
    assert short["train_loss"][-1] < 0.5 * short["train_loss"][0]
