"""Private training: what is promised is what opacus accounts for, and what is random depends on the key."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.metrics._resampling import area_under_roc
from mlspec.plugins.model import Features, Model, Training

KEY = "0123456789abcdef0123"
PRIVATE = {"epsilon": 2.0, "delta": 1e-4, "key": "NOISE_KEY"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opacus")
    monkeypatch.setenv("NOISE_KEY", KEY)


def rows(count: int, seed: int = 0) -> tuple[Features, Any]:
    random = np.random.default_rng(seed)
    numeric = random.normal(size=(count, 4)).astype(np.float32)
    codes = random.integers(0, 3, size=(count, 1)).astype(np.int32)
    target = (numeric[:, 0] + (codes[:, 0] == 1) + random.normal(size=count) > 0).astype(np.int64)
    return Features(numeric, codes, tuple("abcd"), ("e",), (3,)), target


def fit(
    folder: Path,
    kind: str = "torch.mlp",
    until: int | None = None,
    count: int = 400,
    watched: int = 100,
    **settings: Any,
) -> tuple[Model, dict[str, Any]]:
    features, target = rows(count)
    validation, wanted = rows(watched, seed=1)
    given = {"epochs": 3, "batch_size": 50, "private": PRIVATE, "hidden": [16], **settings}
    if kind == "torch.ft_transformer":
        del given["hidden"]
    model = msgspec.convert(given, registry.plugin("models", kind))
    assert isinstance(model, Model)
    training = Training(
        features=features,
        target=target,
        validation=validation,
        validation_target=wanted,
        task="binary_classification",
        classes=2,
        seed=0,
        device="cpu",
        threads=1,
        checkpoints=folder / "checkpoints",
        progress=lambda *_: None,
        until=until,
    )
    return model, model.fit(training, folder / "model")


def weights(folder: Path) -> dict[str, Any]:
    return load_file(folder / "model" / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["torch.mlp", "torch.tabm", "torch.ft_transformer"])
def test_what_is_promised_is_what_opacus_accounts_for(kind: str, tmp_path: Path) -> None:
    from opacus.accountants import RDPAccountant

    found = fit(tmp_path, kind)[1]["private"]
    accountant = RDPAccountant()
    for _step in range(found["steps"]):
        accountant.step(noise_multiplier=found["noise"], sample_rate=found["rate"])
    assert found["steps"] == found["planned"] == 24
    assert found["rate"] == pytest.approx(50 / 400, abs=1e-8)
    assert found["spent"] == found["epsilon"] == accountant.get_epsilon(1e-4)
    assert 1.9 < found["epsilon"] <= 2.0
    assert (tmp_path / "model" / "private.json").exists()


def test_one_row_moves_the_sum_of_gradients_by_no_more_than_the_clip(tmp_path: Path) -> None:
    """With noise all but taken away, a step of plain descent on one row is at most clip / batch long."""
    import torch
    from torch import nn

    from mlspec.torchkit.batches import Rows
    from mlspec.torchkit.private import PrivateStepper
    from mlspec.torchkit.settings import Private

    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    data = Rows((torch.randn(40, 4) * 100,), torch.randn(40))
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    private = Private(epsilon=1e6, delta=1e-5, clip=0.5, key="NOISE_KEY")

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return nn.functional.mse_loss(output.squeeze(1), target)

    stepper = PrivateStepper(module, optimizer, loss, data, private, "", size=20, steps=1)
    stepper._noise = 0.0
    before = torch.cat([p.detach().flatten() for p in module.parameters()])
    stepper.at(0)
    stepper.take([data.inputs[0][:1]], data.target[:1], 20)
    after = torch.cat([p.detach().flatten() for p in module.parameters()])
    assert float((after - before).norm()) == pytest.approx(0.5 / 20, rel=1e-4)
    # A step may have no rows at all: then it is noise, here none.
    stepper.take([data.inputs[0][:0]], data.target[:0], 20)
    assert torch.equal(torch.cat([p.detach().flatten() for p in module.parameters()]), after)


@pytest.mark.slow
def test_the_same_key_gives_the_same_weights_also_after_a_pause_and_another_key_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, paused, other = (tmp_path / name for name in ("whole", "paused", "other"))
    fit(whole)
    assert fit(paused, until=1)[1]["private"]["steps"] == 8
    found = fit(paused)[1]["private"]
    assert found["spent"] == found["epsilon"]
    assert same(whole, paused)
    monkeypatch.setenv("NOISE_KEY", KEY[::-1])
    fit(other)
    assert not same(whole, other)


def test_stopping_early_spends_less_and_promises_the_same(tmp_path: Path) -> None:
    found = fit(tmp_path, epochs=40, patience=1, learning_rate=0.5)[1]["private"]
    assert found["steps"] < found["planned"]
    assert found["spent"] < found["epsilon"] <= 2.0


@pytest.mark.slow
def test_noise_hides_who_was_in_the_training(tmp_path: Path) -> None:
    """The attack of ``constraints.privacy.membership`` on an overfitted network and on a private one."""

    def attack(private: dict[str, Any] | None, name: str) -> float:
        settings = {"epochs": 60, "hidden": [128, 128], "weight_decay": 0.0, "dropout": 0.0, "learning_rate": 0.02}
        model, _ = fit(tmp_path / name, count=200, watched=0, private=private, **settings)
        predictor, losses = model.load(tmp_path / name / "model", "cpu"), []
        for seed, count in ((0, 200), (2, 400)):
            features, target = rows(count, seed)
            losses.append(-np.log(np.clip(predictor.predict(features)[np.arange(count), target], 1e-12, 1)))
        member = np.repeat([1, 0], [200, 400]).astype(np.int64)
        return float(area_under_roc(member, -np.concatenate(losses), np.ones((1, 600)))[0])

    assert attack(None, "plain") > 0.59
    assert attack({**PRIVATE, "delta": 1e-3}, "private") < 0.54


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"delta": 0.01}, "delta 0.01 allows to give one of the 400 training rows away"),
        ({"epsilon": 1e-7}, "no noise keeps 24 steps within epsilon 1e-07"),
        ({"key": "NO_KEY"}, "the key of the noise is read from $NO_KEY, which is not set"),
    ],
)
def test_what_can_not_be_promised_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(StepError) as refused:
        fit(tmp_path, private={**PRIVATE, **change})
    assert str(refused.value).startswith(said)
    assert refused.value.setting == "private"
