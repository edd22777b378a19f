"""A source of many files that is read by parts: what one piece of the same rows gives, and only new files are read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlspec import api
from mlspec.engine import events
from mlspec.steps.data import parquet, splitters
from mlspec.store.store import Store

SPEC = """
mlspec: 1
project: {name: parts, task: binary_classification}
data:
  sources: {rows: {path: "rows/*.csv"}}
  columns: {target: y, drop: [id]}
  derive: {both: x0 * n}
  filter: n <> 7
  expect: [EXPECT]
  split: {by: stratified, test: 0.2, validation: 0.1}
preprocessing:
  numeric: [impute: median, clip: {upper_quantile: 0.99}, scale: minmax]
  category: [impute: most_frequent, group_rare: {max_levels: 4}, encode: one_hot]
  columns: {t: [target_encode: {}], text: [tf_idf: 5]}
model: {candidates: {linear: {type: logistic_regression}}, final: split, checks: off}
evaluation: {baselines: []}
backend: {engine: inline}
"""
EXPECT = """
{column: n, between: [1, 1000], on_fail: drop_rows}, {rows: {at_least: 3}}, {column: id, unique: true},
{column: c, missing: {at_most: 0.5}}, {column: x0, sum: {at_most: 1e9}, mean: {at_most: 3}},
{holds: x0 < x2, tolerance: 0.9},
{column: text, length: {at_most: 5}, severity: warn}, {column: t, groups: {count: {at_most: 3}}, severity: warn},
{column: c, allowed: [a, b], severity: warn}, {column: x2, distinct: {at_most: 900}, quantile: {at: 0.5, at_most: 20}}
"""
SPEC = SPEC.replace("EXPECT", EXPECT.strip().replace("\n", " "))
LENGTHS = (300, 1, 250, 2, 147)


def rows() -> pl.DataFrame:
    draw = np.random.Generator(np.random.PCG64(3))
    count = sum(LENGTHS)
    frame = pl.DataFrame({f"x{i}": draw.normal(i, 1 + i, count) for i in range(3)}).with_columns(
        n=pl.Series(draw.integers(0, 30, count)),
        c=pl.Series(draw.choice(list("abcdefg"), count)),
        t=pl.Series(draw.choice(list("klmnop"), count)),
        text=pl.Series(draw.choice(["good old days", "bad day", "old and good", "no"], count)),
    )
    holes = [pl.when(pl.col("n") % 5 > 0).then(name).alias(name) for name in ("x1", "c")]
    return frame.with_columns(*holes, id=pl.int_range(count), y=pl.Series(draw.choice(["no", "yes"], count)))


def write(folder: Path, frame: pl.DataFrame, lengths: tuple[int, ...] = LENGTHS, **replaced: str) -> Path:
    """The rows in files of these lengths, and the spec; its path."""
    (folder / "rows").mkdir(parents=True)
    at = 0
    for number, length in enumerate(lengths):
        frame[at : at + length].write_csv(folder / "rows" / f"{number}.csv")
        at += length
    spec = SPEC
    for old, new in replaced.items():
        assert f"{old}: " in spec
        spec = "\n".join(f"{line.partition(old)[0]}{new}" if f"{old}: " in line else line for line in spec.split("\n"))
    (folder / "project.yaml").write_text(spec)
    return folder / "project.yaml"


PARTS = 'sources: {rows: {path: "rows/*.csv", parts: file}}'
BY_HASH = "split: {by: hash, column: id, test: 0.2, validation: 0.1}"
FOLDS = "model: {candidates: {linear: {type: sgd}}, cross_validation: {folds: 2}, checks: off}"
MEANS = "numeric: [impute: mean, scale: standard]"


def outputs(spec: Path) -> dict[str, dict[str, str]]:
    """What each step in the lock has made."""
    steps = json.loads((spec.parent / "mlspec.lock").read_text())["steps"]
    return {name: step["outputs"] for name, step in steps.items()}


def run(spec: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The outputs of the steps, and which were done."""
    done: list[str] = []

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepFinished):
            done.append(event.step)

    assert api.run(spec, listener=listen).failures == ()
    return outputs(spec), done


def table(spec: Path, digest: str) -> pl.DataFrame:
    return parquet.scan(Store(spec.parent / ".mlspec" / "store").path(digest)).collect()


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [{}, {"split": BY_HASH, "expect": "expect: []", "model": FOLDS}], ids=["stratified", "hash"]
)
def test_parts_give_what_one_piece_gives(tmp_path: Path, how: dict[str, str]) -> None:
    whole, parts = (
        write(tmp_path / name, rows(), **how, **more) for name, more in (("one", {}), ("by", {"sources": PARTS}))
    )
    (before, _done), (after, done) = run(whole), run(parts)
    assert after.keys() == before.keys()
    assert {"fold.1", "refit"} <= after.keys() or not how
    for step, outputs_ in before.items():
        for output, digest in outputs_.items():
            if after[step][output] != digest:
                assert step.startswith(("source.", "combine.", "split", "fold.", "prepare.")), (step, output)
                assert table(parts, after[step][output]).equals(table(whole, digest)), (step, output)
    for step in ("prepare.linear", *(("prepare.linear.fold1", "refit.linear") if how else ())):
        assert sum(one.startswith(f"{step}.part.") for one in done) >= len(LENGTHS), step


@pytest.mark.slow
def test_exact_means_do_not_depend_on_the_parts_nor_on_rows_held_out_and_a_new_file_is_all_that_is_read(
    tmp_path: Path,
) -> None:
    how = {"sources": PARTS, "split": BY_HASH, "numeric": MEANS, "expect": "expect: []"}
    whole = write(tmp_path / "whole", rows(), **{**how, "sources": PARTS.replace(", parts: file", "")})
    one, other = write(tmp_path / "one", rows(), **how), write(tmp_path / "other", rows(), (11, 500, 189), **how)
    (alone, _), (before, _), (after, _) = run(whole), run(one), run(other)
    assert after["prepare.linear"]["state"] == before["prepare.linear"]["state"]
    exact, usual = (table(spec, found["prepare.linear"]["train"]) for spec, found in ((one, before), (whole, alone)))
    for name in usual.columns:
        np.testing.assert_allclose(exact[name].to_numpy(), usual[name].to_numpy(), rtol=0, atol=1e-13)
    held = set(table(other, after["split"]["test"])["id"]) | set(table(other, after["split"]["validation"])["id"])
    changed = rows().with_columns(pl.when(pl.col("id").is_in(list(held))).then(1e9).otherwise("x0").alias("x0"))
    for file in (tmp_path / "other" / "rows").iterdir():
        file.unlink()
    changed[:11].write_csv(tmp_path / "other" / "rows" / "0.csv")
    changed[11:511].write_csv(tmp_path / "other" / "rows" / "1.csv")
    changed[511:].write_csv(tmp_path / "other" / "rows" / "2.csv")
    again, _ = run(other)
    assert again["split"]["test"] != after["split"]["test"]
    assert again["prepare.linear"]["state"] == after["prepare.linear"]["state"]
    rows()[:40].with_columns(pl.col("id") + 10_000).write_csv(tmp_path / "one" / "rows" / "9.csv")
    _, done = run(one)
    new = {step for step in done if ".part." in step and ".round." not in step and not step.startswith("prepare.")}
    assert new == {"source.rows.part.00006", "combine.rows.part.00006", "split.part.00006"}
    # What is measured first depends on a part alone; later it depends on what was fitted before.
    assert [step for step in done if step.startswith("prepare.linear.round.1.part.")] == [
        "prepare.linear.round.1.part.00006"
    ]


@pytest.mark.slow
def test_a_run_says_what_a_split_of_one_piece_says(tmp_path: Path) -> None:
    places = splitters.by_hash(rows()["id"], 0.2, 0.1, 0)
    few = rows().with_columns(y=pl.when(pl.Series(places) == 2).then(pl.lit("yes")).otherwise(pl.lit("no")))
    said: list[Any] = []
    for name, more in (("one", {}), ("by", {"sources": PARTS})):
        spec = write(tmp_path / name, few, split=BY_HASH, expect="expect: []", **more)
        said.append([(failure.step, failure.cause) for failure in api.run(spec).failures])
    count = int(((places == 0) & (rows()["n"].to_numpy() != 7)).sum())
    cause = f"all {count} training rows have the 'y' 'no': a model needs rows of two classes"
    assert said == [[("split", cause)], [("split.rows", cause)]]
