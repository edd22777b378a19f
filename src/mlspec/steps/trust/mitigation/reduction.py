"""Fitting with a price on differences: the exponentiated-gradient reduction of Agarwal and others (2018).

The bound becomes a price on each group's rate; given prices, the best classifier is one that is fitted on weighted, in
part relabelled rows, which any candidate that takes weights can do. Prices rise where the bound is broken. One of the
models that were fitted so is kept: a mixture of them, as in the paper, would decide by lot.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mlspec.diagnostics import StepError
from mlspec.plugins.model import Model, Training
from mlspec.steps.serving import package
from mlspec.steps.trust.fairness import RATES, compare, table

Array = np.ndarray[Any, Any]

HIGHEST = 2.0  # of the prices, in mistakes: above 1 the classes of a whole group are turned round
STEP = 1.0  # how fast prices follow a bound that is broken
CLASSES = {"selection_rate": None, "true_positive_rate": 1, "false_positive_rate": 0}


class Rows(msgspec.Struct, frozen=True):
    """Classes (0, 1), groups and weights of rows (n,)."""

    target: "Array"
    groups: "Array"
    weights: "Array"


class Bounded(msgspec.Struct, frozen=True):
    """A group's rate that has a price, with the shares of the training rows that it rests on: the group's, and all."""

    group: str
    label: int | None
    mine: float
    every: float


def bounded(rows: Rows, metric: str, fewest: int) -> dict[str, Bounded]:
    """The rates that are bounded, by name: those that rest on enough rows."""
    found = {}
    for rate in RATES[metric]:
        label = CLASSES[rate]
        every = _every(rows, label)
        for group in sorted({str(name) for name in rows.groups}):
            mine = every & (rows.groups == group)
            if int(mine.sum()) >= fewest:
                shares = (float(rows.weights[mask].sum() / rows.weights.sum()) for mask in (mine, every))
                found[f"{rate}: {group}"] = Bounded(group, label, *shares)
    return found


def priced(rows: Rows, rates: Mapping[str, Bounded], prices: Mapping[str, float]) -> "tuple[Array, Array]":
    """The classes and weights (n,) that a model is fitted with, given prices.

    A row's weight is what calling it positive gains: one where it is, less its share in the priced rates. Where that is
    less than nothing, its class is turned round.
    """
    signed = np.where(rows.target == 1, 1.0, -1.0)
    for name, rate in rates.items():
        every = _every(rows, rate.label)
        signed = signed - prices[name] * ((every & (rows.groups == rate.group)) / rate.mine - every / rate.every)
    return (signed > 0).astype(np.int64), np.abs(signed) * rows.weights


def excess(rows: Rows, rates: Mapping[str, Bounded], called: "Array") -> dict[str, float]:
    """By how much each bounded rate is above that of all groups together."""
    found = {}
    for name, rate in rates.items():
        every = _every(rows, rate.label)
        mine = every & (rows.groups == rate.group)
        found[name] = float(
            np.average(called[mine], weights=rows.weights[mine])
            - np.average(called[every], weights=rows.weights[every])
        )
    return found


def search(
    rows: Rows,
    rates: Mapping[str, Bounded],
    at_most: float,
    rounds: int,
    answer: "Callable[[int, Mapping[str, float]], Array]",
) -> None:
    """Raise the prices round by round; ``answer(round, prices)`` fits a model to them and gives its calls (n,), 0 or 1.

    Prices follow the exponentiated gradient. Half of ``at_most`` bounds the distance to all groups together, so that no
    two groups are further apart than that. The last round answers the mean of all prices: what the rounds converge to.
    """
    names, slack = list(rates), at_most / 2
    theta = np.zeros(2 * len(names))
    passed: list[Array] = []
    for number in range(rounds):
        if number < rounds - 1 or not passed:
            top = max(0.0, float(theta.max(initial=0.0)))
            grown = np.exp(theta - top)
            share = HIGHEST * grown / (grown.sum() + np.exp(-top))
            price = share[: len(names)] - share[len(names) :]
        else:
            price = np.mean(passed, axis=0)
        over = excess(rows, rates, answer(number, dict(zip(names, price.tolist(), strict=True))))
        broken = np.asarray([over[name] for name in names])
        theta = theta + STEP * np.concatenate([broken - slack, -broken - slack])
        passed.append(price)


def fit(
    model: Model,
    training: Training,
    groups: "Array",
    held_groups: "Array",
    wanted: Mapping[str, Any],
    scratch: Path,
    folder: Path,
) -> dict[str, Any]:
    """Fit the candidate once for each round and keep one model; the history has ``mitigation``, what each round gave.

    Kept is the model with the fewest mistakes among those that keep the bound, or the least difference where none does;
    judged on the validation rows where groups have enough of them there, else on the training rows. Raises StepError
    where fewer than two groups have enough training rows.
    """
    rows = Rows(training.target, groups, _ones(training.weights, len(groups)))
    held = Rows(training.validation_target, held_groups, _ones(training.validation_weights, len(held_groups)))
    metric, at_most, fewest = wanted["metric"], wanted["at_most"], wanted["minimum_rows"]
    rates = bounded(rows, metric, fewest)
    if len({rate.group for rate in rates.values()}) < 2:
        raise StepError(
            f"'{metric}' can't be bounded: it rests on {fewest} training rows or more of fewer than two groups"
        )
    judges = "validation" if difference(held, held.target, metric, fewest) is not None else "training"
    found: list[dict[str, Any]] = []
    histories: dict[int, dict[str, Any]] = {}

    def answer(number: int, prices: Mapping[str, float]) -> "Array":
        training.progress("round", number / wanted["rounds"], {})
        own = scratch / str(number)
        history = _fit_once(model, training, rows, held, rates, prices, own)
        if history is None:
            found.append({"prices": dict(prices), "error": None, "difference": None})
            return priced(rows, rates, prices)[0]
        histories[number] = history
        predictor = model.load(own, training.device)
        called: Array = predictor.predict(training.features).argmax(axis=1)
        judged, calls = (rows, called)
        if judges == "validation":
            judged, calls = held, predictor.predict(training.validation).argmax(axis=1)
        error = float(np.average(calls != judged.target, weights=judged.weights))
        found.append({"prices": dict(prices), "error": error, "difference": difference(judged, calls, metric, fewest)})
        return called

    search(rows, rates, at_most, wanted["rounds"], answer)
    fitted = [number for number in sorted(histories) if found[number]["difference"] is not None]
    keeping = [number for number in fitted if found[number]["difference"] <= at_most]
    if keeping:
        chosen = min(keeping, key=lambda number: (found[number]["error"], number))
    else:
        chosen = min(fitted or sorted(histories), key=lambda number: (found[number]["difference"] or 0.0, number))
    package.copy(scratch / str(chosen), folder)
    text = {"rounds": found, "chosen": chosen, "judged_on": judges, "kept": bool(keeping)}
    return {**histories[chosen], "mitigation": text}


def fit_priced(
    model: Model,
    training: Training,
    groups: "Array",
    held_groups: "Array",
    wanted: Mapping[str, Any],
    prices: Mapping[str, float],
    folder: Path,
) -> None:
    """Fit the candidate once, with prices that were found before. Raises StepError where they leave one class."""
    rows = Rows(training.target, groups, _ones(training.weights, len(groups)))
    held = Rows(training.validation_target, held_groups, _ones(training.validation_weights, len(held_groups)))
    rates = bounded(rows, wanted["metric"], wanted["minimum_rows"])
    known = {name: prices.get(name, 0.0) for name in rates}
    if _fit_once(model, training, rows, held, rates, known, folder) is None:
        raise StepError("with the prices that the bound takes, all rows are of one class")


def _fit_once(
    model: Model,
    training: Training,
    rows: Rows,
    held: Rows,
    rates: Mapping[str, Bounded],
    prices: Mapping[str, float],
    folder: Path,
) -> dict[str, Any] | None:
    """The history; None, and nothing fitted, where the prices turn all rows to one class."""
    target, weights = priced(rows, rates, prices)
    if target.min() == target.max():
        return None
    held_target, held_weights = priced(held, rates, prices)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = msgspec.structs.replace(
        training,
        target=target,
        weights=weights,
        validation_target=held_target,
        validation_weights=held_weights,
        checkpoints=folder.with_name(f"{folder.name}.checkpoints"),
        progress=lambda _what, _share, _figures: None,
    )
    return model.fit(own, folder)


def difference(rows: Rows, called: "Array", metric: str, fewest: int) -> float | None:
    """The greatest difference between two groups; None where fewer than two have enough rows."""
    names, codes = np.unique(rows.groups.astype(str), return_inverse=True)
    if not len(names):
        return None
    found = compare(metric, table(codes, [[name] for name in names], rows.target, called == 1), fewest, 0.95)
    value: float | None = found["value"]
    return value


def _every(rows: Rows, label: int | None) -> "Array":
    return np.ones(len(rows.target), dtype=bool) if label is None else rows.target == label


def _ones(weights: "Array | None", n: int) -> "Array":
    return np.ones(n) if weights is None else weights
