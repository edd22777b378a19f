"""What one training step of our loop costs beside hand-written loops: a small perceptron on the CPU, one thread.

Run: ``python benchmarks/torch_step.py``. Budget: at most 1.15 x the hand-written tensor loop (autograd, fused AdamW,
minibatches picked by index). For orientation also the same arithmetic with a backward pass written by hand.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from mlspec.torchkit import device, loop

ROWS, WIDTH, HIDDEN, BATCH, EPOCHS, REPEATS = 50_000, 50, 256, 256, 1, 9
BUDGET = 1.15


def module() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)
    )


def ours(inputs: Tensor, target: Tensor) -> int:
    settings = loop.Settings(epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-3)
    with tempfile.TemporaryDirectory() as folder:
        loop.train(
            module(),
            loop.Rows((inputs,), target),
            None,
            nn.functional.cross_entropy,
            settings,
            seed=0,
            folder=Path(folder),
            progress=lambda _what, _share, _figures: None,
        )
    return EPOCHS * (ROWS // BATCH)


def by_hand(inputs: Tensor, target: Tensor) -> int:
    network = module()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    steps = 0
    for _ in range(EPOCHS):
        order = torch.randperm(ROWS)
        for chosen in order[: ROWS // BATCH * BATCH].split(BATCH):
            loss = nn.functional.cross_entropy(network(inputs.index_select(0, chosen)), target.index_select(0, chosen))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
    return steps


def by_hand_backward(inputs: Tensor, target: Tensor) -> int:
    sizes = [(WIDTH, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 2)]
    flat = nn.Parameter(torch.randn(sum(a * b + b for a, b in sizes)) * 0.05)
    flat.grad = torch.zeros_like(flat)
    views, grads, start = [], [], 0
    for a, b in sizes:
        for shape in ((a, b), (b,)):
            count = a * b if len(shape) == 2 else b
            views.append(flat.data[start : start + count].view(shape))
            grads.append(flat.grad[start : start + count].view(shape))
            start += count
    optimizer = torch.optim.AdamW([flat], lr=1e-3, fused=True)
    steps = 0
    with torch.no_grad():
        for _ in range(EPOCHS):
            order = torch.randperm(ROWS)
            for chosen in order[: ROWS // BATCH * BATCH].split(BATCH):
                rows, wanted = inputs.index_select(0, chosen), target.index_select(0, chosen)
                first = torch.addmm(views[1], rows, views[0]).relu_()
                second = torch.addmm(views[3], first, views[2]).relu_()
                delta = torch.addmm(views[5], second, views[4]).softmax(dim=1)
                delta[torch.arange(BATCH), wanted] -= 1
                delta /= BATCH
                torch.mm(second.t(), delta, out=grads[4])
                torch.sum(delta, 0, out=grads[5])
                delta = torch.mm(delta, views[4].t()).mul_(second > 0)
                torch.mm(first.t(), delta, out=grads[2])
                torch.sum(delta, 0, out=grads[3])
                delta = torch.mm(delta, views[2].t()).mul_(first > 0)
                torch.mm(rows.t(), delta, out=grads[0])
                torch.sum(delta, 0, out=grads[1])
                optimizer.step()
                steps += 1
    return steps


def main() -> int:
    torch.manual_seed(0)
    inputs, target = torch.randn(ROWS, WIDTH), torch.randint(0, 2, (ROWS,))
    loops: dict[str, Callable[[Tensor, Tensor], int]] = {
        "ours": ours,
        "by hand": by_hand,
        "by hand, own backward": by_hand_backward,
    }
    best = dict.fromkeys(loops, float("inf"))
    with device.seeded(0, torch.device("cpu"), 1):
        for _ in range(REPEATS):  # in turns, so that a busy moment of the machine hits all of them
            for name, run in loops.items():
                before = time.process_time()
                steps = run(inputs, target)
                best[name] = min(best[name], (time.process_time() - before) / steps)
    ratio = best["ours"] / best["by hand"]
    figures = {
        "microseconds": {name: round(seconds * 1e6, 1) for name, seconds in best.items()},
        "ratio": round(ratio, 3),
        "ratio to own backward": round(best["ours"] / best["by hand, own backward"], 3),
        "budget": BUDGET,
    }
    print(json.dumps(figures, indent=1))
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
