"""One training step of a network needs more memory than allowed, even with the smallest batch.

The memory is computed from the prepared columns: pixels of images, numbers, codes. What only fitting shows (levels of
one-hot columns, words of a text) is not included; before training it is computed again with the actual batch size, and
compared with `backend.memory`, or with the free memory of the machine.

Here the limit is `backend.memory`, or 4 GB if that is not set. `torch.ft_transformer` keeps 3 tables of weights per
layer, batch x heads x tokens x tokens x 4 bytes each: with 16 rows (the smallest default batch), 4 heads and 2 layers,
4 GB are reached at 1,614 tokens, which is a grey image of 40 x 40 pixels. An RGB image of 32 x 32 has 3,072, and takes
14.5 GB.

Why: the memory grows with the square of the columns. The machine would stop the step in the middle of a run.

Instead: use `torch.cnn` for images, a smaller `preprocessing.image` size, fewer words or channels, a smaller
`batch_size`, or no dropout; or a machine with enough memory: set `backend.memory`. GPU memory is not checked.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugins.model import Model
from mlspec.rules.context import View
from mlspec.spec.dump import spelled

UNSTATED = 4_000_000_000
ROWS = 16  # of the smallest batch


def check(view: View) -> Iterator[Diagnostic]:
    """Each candidate that trains on the CPU and says what a step takes."""
    from mlspec.rules._prepared import prepared

    backend = view.project.backend
    if backend.device != "cpu":
        return
    allowed = UNSTATED if backend.memory is None else backend.memory
    # Whoever takes a batch in parts can go down to a row.
    rows = 1 if backend.on_out_of_memory == "accumulate" else ROWS
    for name, use in view.project.model.candidates.items():
        model = use.plugin
        if not isinstance(model, Model) or type(model).batch_memory is Model.batch_memory:
            continue
        least = model.batch_memory(prepared(view, model), rows)
        if least is None or least.size <= allowed:
            continue
        size = f"{least.size / 1e9:,.1f} GB" if least.size >= 1e8 else f"{least.size / 1e3:,.0f} kB"
        message = f"one training step of '{name}' needs at least {size} of memory"
        bound = (
            "more than 4 GB must be allowed by backend.memory"
            if backend.memory is None
            else f"backend.memory allows {spelled(backend.memory, 'bytes')}"
        )
        path = ("model", "candidates", name)
        yield view.diagnostic("batch-too-large", path, message, least.instead, least.counted, bound, key=True)
