"""What does not fit, other precisions, compiled networks, rows that lie elsewhere; and the same on a GPU."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from tests import hardware
from torch import Tensor, nn

from mlspec.diagnostics import StepError
from mlspec.torchkit import batches, checkpoint, device, loop
from mlspec.torchkit.stepping import Computing

CPU = torch.device("cpu")
HERE = [
    pytest.param("cpu"),
    pytest.param("cuda", marks=[pytest.mark.cuda, hardware.needs(torch.cuda.is_available(), "there is no GPU")]),
]


class Tight(nn.Module):
    """A network whose memory is full with more than ``room`` rows."""

    def __init__(self, room: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.room, self.tried = room, list[int]()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 1))

    def forward(self, rows: Tensor) -> Tensor:
        self.tried.append(len(rows))
        if self.training and len(rows) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        answers: Tensor = self.layers(rows)
        return answers


def trained(
    folder: Path, room: int = 1000, where: str = "cpu", dropout: float = 0.0, until: int | None = None, **how: Any
) -> tuple[Tight, dict[str, Any]]:
    place = device.find(where)
    with device.seeded(0, place, 1):
        inputs = torch.randn(256, 3).to(place)
        rows = loop.Rows((inputs,), inputs.sum(dim=1, keepdim=True))
        module = Tight(room, dropout).to(place)
        settings = loop.Settings(epochs=4, batch_size=64, learning_rate=0.05, computing=Computing(**how))
        history = loop.train(
            module,
            rows,
            rows,
            nn.functional.mse_loss,
            settings,
            seed=0,
            folder=folder,
            progress=lambda *_: None,
            until=until,
        )
    return module, history


def test_a_batch_that_does_not_fit_is_reported_with_the_one_that_would(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        trained(tmp_path, room=20)
    assert str(caught.value) == (
        "out of memory with batches of 64 rows on cpu: batch_size: 16 would fit, and backend.on_out_of_memory: "
        "accumulate takes a batch in parts"
    )
    assert caught.value.setting == "batch_size"
    with pytest.raises(StepError, match=r"not even one row fits, the network is too big$"):
        trained(tmp_path, room=0, accumulate=True)


@pytest.mark.parametrize("where", HERE)
def test_a_batch_in_parts_gives_what_a_whole_one_gives(tmp_path: Path, where: str) -> None:
    whole, history = trained(tmp_path / "whole", where=where)
    parts, told = trained(tmp_path / "parts", room=20, where=where, accumulate=True)
    assert told.pop("parts") == 4
    assert "parts" not in history
    assert told["train_loss"] == pytest.approx(history["train_loss"], rel=1e-4)
    assert [rows for rows in parts.tried[:7] if rows <= 64] == [64, 32, 16, 16, 16, 16, 16]
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("how", [{"precision": "bf16"}, {"precision": "fp16"}, {"accumulate": True}], ids=str)
def test_a_paused_training_goes_on_to_the_very_same_weights(tmp_path: Path, how: dict[str, Any]) -> None:
    room = 20 if "accumulate" in how else 1000
    whole, history = trained(tmp_path / "whole", room, dropout=0.2, **how)
    trained(tmp_path / "paused", room, dropout=0.2, until=1, **how)
    trained(tmp_path / "paused", room, dropout=0.2, until=3, **how)
    again, told = trained(tmp_path / "paused", room, dropout=0.2, **how)
    assert told == history
    assert (tmp_path / "paused" / checkpoint.NAME).exists()
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("where", HERE)
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_other_precisions_learn_the_same(tmp_path: Path, precision: str, where: str) -> None:
    _, full = trained(tmp_path / "full", where=where)
    module, half = trained(tmp_path / "half", where=where, precision=precision)
    assert half["train_loss"] != full["train_loss"]
    assert half["train_loss"] == pytest.approx(full["train_loss"], rel=0.05)
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}


def test_tf32_is_asked_for_while_training_alone(tmp_path: Path) -> None:
    seen = set()

    class Looks(Tight):
        def forward(self, rows: Tensor) -> Tensor:
            seen.add(torch.get_float32_matmul_precision())
            return super().forward(rows)

    before = torch.get_float32_matmul_precision()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "Tight", Looks)
        trained(tmp_path / "tf32", precision="tf32")
        assert seen == {"high"}
        trained(tmp_path / "fp32")
    assert seen == {"high", "highest"}
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("where", HERE)
def test_a_compiled_network_learns_the_same(tmp_path: Path, where: str) -> None:
    _, history = trained(tmp_path / "plain", where=where)
    counters = torch._dynamo.utils.counters  # type: ignore[attr-defined]
    counters.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tight, "forward", lambda self, rows: self.layers(rows))
        _, told = trained(tmp_path / "compiled", where=where, compile=True)
    assert told["train_loss"] == pytest.approx(history["train_loss"], rel=1e-3)
    assert counters["stats"]["unique_graphs"] == 1


@pytest.mark.parametrize("part", [None, slice(3, 8)])
def test_rows_that_lie_elsewhere_come_in_the_same_batches(part: slice | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "GATHERED", 60)
    monkeypatch.setattr(batches, "STREAMED", 100)
    numbers = torch.arange(70, dtype=torch.float32)
    rows = loop.Rows((torch.stack([numbers, -numbers], dim=1), numbers.long()[:, None]), numbers)
    # To a tensor's device "cpu" the device "cpu:0" is another one: rows are copied, as they would be to a GPU.
    lie, move = (batches.Batches(rows, 8, 1, torch.device(name), part) for name in ("cpu", "cpu:0"))
    assert move._moves
    for epoch, index in [(0, index) for index in range(8)] + [(1, 5), (1, 6), (1, 7)]:
        (here, codes), target = lie.at(epoch, index)
        (there, same), wanted = move.at(epoch, index)
        assert torch.equal(here, there)
        assert torch.equal(codes, same)
        assert torch.equal(target, wanted)
        assert len(target) == (8 if part is None else 5)


LIMITED = """
    import resource, sys
    from pathlib import Path
    import torch
    from torch import nn
    from mlspec.torchkit import device, loop
    from mlspec.torchkit.stepping import Computing

    with device.seeded(0, torch.device("cpu"), 1):
        inputs = torch.randn(4096, 4)
        rows = loop.Rows((inputs,), inputs[:, :1])
        module = nn.Sequential(nn.Linear(4, 16384), nn.ReLU(), nn.Linear(16384, 1))
        settings = loop.Settings(epochs=1, batch_size=4096, learning_rate=0.01,
                                 computing=Computing(accumulate=sys.argv[2] == "accumulate"))
        used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (used + 400_000_000, resource.RLIM_INFINITY))
        print(loop.train(module, rows, None, nn.functional.mse_loss, settings, seed=0, folder=Path(sys.argv[1]),
                         progress=lambda *_: None).get("parts"))
"""


@pytest.mark.slow
@hardware.needs(sys.platform == "linux", "the limit is the Linux kernel's")
def test_memory_that_really_runs_out_is_noticed(tmp_path: Path) -> None:
    def run(how: str) -> tuple[str, str]:
        command = [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path), how]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout, done.stderr

    told, _ = run("accumulate")
    assert int(told) > 1
    _, errors = run("fail")
    assert "StepError: out of memory with batches of 4,096 rows on cpu: batch_size: " in errors
