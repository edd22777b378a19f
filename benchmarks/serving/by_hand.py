"""What somebody writes by hand for this one model: a row of adult-income to the numbers of its booster."""

import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np


def answering(folder: Path) -> Any:
    """A function from a row (a dict) to its class and probabilities."""
    state = json.loads((folder / "state.json").read_text())
    booster = lightgbm.Booster(model_file=str(folder / "model" / "model.txt"))
    threshold = json.loads((folder / "package.json").read_text())["threshold"]
    levels, scaled = {}, {}
    for column in state["columns"]:
        for name, settings, states in column["stages"]:
            if name == "encode":
                levels[column["name"]] = {level: code for code, level in enumerate(states[0]["levels"], 1)}
            elif name == "clip":
                scaled[column["name"]] = [settings["lower"], settings["upper"]]
            elif name == "scale":
                scaled[column["name"]] += [states[0]["center"], states[0]["width"]]
    numbers = [one["name"] for one in state["outputs"] if one["type"] != "code"]
    codes = [one["name"] for one in state["outputs"] if one["type"] == "code"]
    missing = float("nan")

    def answer(row: dict[str, Any]) -> dict[str, Any]:
        cells = []
        for name in numbers:
            cell = row[name]
            if cell is None:
                cell = missing
            elif name in scaled:
                low, high, center, width = scaled[name]
                cell = (min(max(cell, low), high) - center) / width
            cells.append(cell)
        cells += [levels[name].get(row[name], 0) for name in codes]
        share = float(booster.predict(np.array([cells]), num_threads=1)[0])
        label = ">50K" if share >= threshold else "<=50K"
        return {"prediction": label, "probabilities": {"<=50K": 1 - share, ">50K": share}}

    return answer
