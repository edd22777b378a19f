"""How steps hand results on: JSON, and tables of predictions. Equal values give equal bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from mlspec.steps.training.tuning import space

Array = np.ndarray[Any, Any]

TARGET = "__target__"
VALUE = "value"
DECIDED = "__decided__"
GROUP = "__group__"
LEFT_OUT = "left-out.json"
NO_TIME = "not trained: the time of model.time was used up"


def write_json(path: Path, value: Any) -> None:
    """Write plain data, keys sorted; NaN and infinities become null."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1))


def read_json(path: Path) -> Any:
    """Plain data from a JSON file."""
    return msgspec.json.decode(path.read_bytes())


def write_predictions(
    path: Path,
    prediction: "Array",
    truth: "Array",
    decided: "Array | None" = None,
    groups: "Array | None" = None,
) -> None:
    """Write class probabilities (n, classes) as ``p0``.. or values (n,) as ``value``, and the truth, as Parquet.

    ``decided`` (n, classes), if decisions are not the most probable class: the code of the class decided for is
    written.
    ``groups`` (n,): the rows' groups, where decisions depend on them.
    """
    if prediction.ndim == 2:
        columns = {f"p{code}": prediction[:, code] for code in range(prediction.shape[1])}
    else:
        columns = {VALUE: prediction}
    codes = {} if decided is None else {DECIDED: decided.argmax(axis=1)}
    text = {} if groups is None else {GROUP: pl.Series(groups, dtype=pl.String)}
    pl.DataFrame({**columns, TARGET: truth, **codes, **text}).write_parquet(path)


def read_predictions(path: Path) -> "tuple[Array, Array]":
    """The truth (n,) and the predictions (n, classes) or (n,) from such a table."""
    table = pl.read_parquet(path)
    truth = table[TARGET].to_numpy()
    if VALUE in table.columns:
        return truth.astype(np.float64), table[VALUE].to_numpy().astype(np.float64)
    classes = sum(name.startswith("p") for name in table.columns)
    columns = [table[f"p{code}"].to_numpy() for code in range(classes)]
    return truth.astype(np.int64), np.stack(columns, axis=1).astype(np.float64)


def gathered(paths: Sequence[Path]) -> "tuple[Array, Array]":
    """The truth and the predictions of several tables, one below the other."""
    parts = [read_predictions(path) for path in paths]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([truth for truth, _ in parts]), np.concatenate([prediction for _, prediction in parts])


def is_left_out(prediction: "Array") -> bool:
    """Whether these are the predictions of a candidate that was not trained (in one fold, or at all)."""
    return bool(np.isnan(prediction).any())


def read_groups(paths: Sequence[Path]) -> "Array | None":
    """The groups (n,) of the rows of such tables, one below the other, where decisions depend on them."""
    if not paths or GROUP not in pl.read_parquet_schema(paths[0]):
        return None
    return pl.concat([pl.read_parquet(path, columns=[GROUP])[GROUP] for path in paths]).to_numpy()


def tuned(settings: dict[str, Any], path: Path | None) -> dict[str, Any]:
    """A model's settings with those that a search has found, if there was one."""
    return settings if path is None else space.put(settings, read_json(path)["settings"])


def read_decided(path: Path, classes: int) -> "Array | None":
    """The decisions (n, classes), 1 for the class decided for, where such a table holds any."""
    if DECIDED not in pl.read_parquet_schema(path):
        return None
    return np.asarray(np.eye(classes)[pl.read_parquet(path, columns=[DECIDED])[DECIDED].to_numpy()])
