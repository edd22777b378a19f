"""Rows of a large table: taken by windows, each once an epoch, the same wherever they lie."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mlspec.torchkit import batches, loop, ordering


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "LARGE", 4000)
    monkeypatch.setattr(ordering, "WINDOW", 1600)
    monkeypatch.setattr(ordering, "BLOCK", 56)


def taken(rows: loop.Rows, size: int, epoch: int, steps: range) -> list[torch.Tensor]:
    made = batches.Batches(rows, size, 3, torch.device("cpu"))
    return [made.at(epoch, index)[1].clone() for index in steps]


@pytest.mark.parametrize("count", [1003, 1024])
def test_every_row_comes_once_an_epoch_in_another_order_each_time(count: int) -> None:
    rows = loop.Rows((torch.arange(count, dtype=torch.float32)[:, None].repeat(1, 2),), torch.arange(count))
    steps = range(count // 16)
    first, second = (torch.cat(taken(rows, 16, epoch, steps)) for epoch in (0, 1))
    assert len(first.unique()) == len(first) == count // 16 * 16
    assert not torch.equal(first, second)
    window = first[:192]  # what is in one window comes from blocks all over the table
    assert window.min() < 0.2 * count
    assert window.max() > 0.8 * count


def test_rows_in_files_come_as_rows_in_memory_do_wherever_one_begins() -> None:
    given: list[Any] = []
    numbers = torch.arange(1003, dtype=torch.float32)
    inputs = (torch.stack([numbers, -numbers], dim=1),)
    here, there = loop.Rows(inputs, numbers), loop.Rows(inputs, numbers, lambda: given.append(None))
    steps = range(1003 // 16)
    for epoch in (0, 1):
        for mine, other in zip(taken(here, 16, epoch, steps), taken(there, 16, epoch, steps), strict=True):
            assert torch.equal(mine, other)
        assert torch.equal(taken(here, 16, epoch, steps)[40], taken(there, 16, epoch, range(40, 41))[0])
    assert given


def test_an_order_follows_from_the_table_alone(tmp_path: Path) -> None:
    runs, order = ordering.Order(1, 1003, 2, 16).window(0, 2)
    again, same = ordering.Order(1, 1003, 2, 16).window(0, 2)
    assert runs == again
    assert torch.equal(order, same)
    assert sum(run.stop - run.start for run in runs) == len(order) == 192
