"""Categories to what the target is like there."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.base import FOLD, FOLDS, OUTCOME, Column, Schema, State
from mlspec.plugins.transform import Cells, Transform

if TYPE_CHECKING:
    import polars as pl


class TargetEncode(Transform, frozen=True, kw_only=True):
    """Replaces a category by the mean of the target among its training rows (with more than two classes, the share of
    each class, one column each), shrunk towards the overall mean as if `smoothing` more rows had that mean.

    Training rows are encoded by cross-fitting: the value of a row is computed from the other folds, so it never
    contains the row's own target (Pargent et al. 2022). Levels that are not in the training rows, and missing ones, get
    the overall mean.

    Why: with hundreds of levels, one-hot columns are too many and codes carry no information; without cross-fitting the
    column would leak the target.

    Example:
        category: [target_encode: 20]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category", "boolean"})
    shorthand: ClassVar[str] = "smoothing"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    by_level: ClassVar[bool] = True
    supervised: ClassVar[bool] = True

    smoothing: Annotated[float, Meta(description="Smoothing: how many rows the overall mean counts as.", gt=0)] = 20.0

    def output(self, column: Column) -> Schema:
        """Numbers; their number depends on the target's classes."""
        return (Column(column.name, "number", column.role, None, None),)

    def measures(self, column: Column, outcomes: int) -> "Mapping[str, pl.Expr]":
        """For each level and fold how many rows there are, and the sum of each outcome."""
        import polars as pl

        cell = pl.col(column.name).cast(pl.String)
        place = [cell, pl.col(FOLD)]
        sums = [pl.col(OUTCOME.format(k)).sum().over(place).alias(f"sum{k}") for k in range(outcomes)]
        found = pl.struct(cell.alias("level"), pl.col(FOLD), pl.len().over(place).alias("rows"), *sums)
        return {"sums": found.unique().implode()}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"levels", "means", "prior", "fold_means", "fold_priors"}``: for each outcome the levels' means and that of
        all rows, and the same without the rows of each fold."""
        cells: list[dict[str, Any]] = sorted(values["sums"], key=lambda cell: (cell["level"] or "", cell[FOLD]))
        count = sum(name.startswith("sum") for name in cells[0]) if cells else 0
        levels = sorted({cell["level"] for cell in cells if cell["level"] is not None})
        folds = range(FOLDS)
        state: State = {"levels": levels, "means": [], "prior": [], "fold_means": [], "fold_priors": []}
        for k in range(count):
            means, prior = self._means(cells, levels, k)
            apart = [self._means([cell for cell in cells if cell[FOLD] != fold], levels, k) for fold in folds]
            state["means"].append(means)
            state["prior"].append(prior)
            state["fold_means"].append([found for found, _ in apart])
            state["fold_priors"].append([found for _, found in apart])
        return state

    def _means(self, cells: list[dict[str, Any]], levels: list[str], k: int) -> tuple[list[float], float]:
        rows: dict[str, float] = dict.fromkeys(levels, 0.0)
        sums: dict[str, float] = dict.fromkeys(levels, 0.0)
        for cell in cells:
            if cell["level"] is not None:
                rows[cell["level"]] += cell["rows"]
                sums[cell["level"]] += cell[f"sum{k}"]
        prior = sum(cell[f"sum{k}"] for cell in cells) / max(1, sum(cell["rows"] for cell in cells))
        weight = self.smoothing
        return [(sums[level] + weight * prior) / (rows[level] + weight) for level in levels], prior

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The means of all training rows: for rows that they were not made of."""
        return [
            (self._made(column, state, k), _text(column, state["levels"], means, state["prior"][k]))
            for k, means in enumerate(state["means"])
        ]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``; a boolean is its name in lower case."""
        columns = tuple(self._made(column, state, k) for k in range(len(state["means"])))
        prior = tuple(map(float, state["prior"]))
        known: dict[Any, tuple[float, ...]] = {
            level: tuple(float(means[place]) for means in state["means"]) for place, level in enumerate(state["levels"])
        }
        if column.type == "boolean":
            known |= {flag: known[str(flag).lower()] for flag in (True, False) if str(flag).lower() in known}
        return columns, lambda cell: known.get(cell, prior)

    def apply_fitted(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The means of the other folds: for the rows that they were made of."""
        import polars as pl

        found = []
        for k, by_fold in enumerate(state["fold_means"]):
            priors = state["fold_priors"][k]
            text = [_text(column, state["levels"], means, priors[fold]) for fold, means in enumerate(by_fold)]
            mine = pl.coalesce(pl.when(pl.col(FOLD) == fold).then(expression) for fold, expression in enumerate(text))
            found.append((self._made(column, state, k), mine))
        return found

    def _made(self, column: Column, state: State, k: int) -> Column:
        name = column.name if len(state["means"]) == 1 else f"{column.name}~{k}"
        return Column(name, "number", column.role)


def _text(column: Column, levels: list[str], means: list[float], prior: float) -> "pl.Expr":
    import polars as pl

    cell = pl.col(column.name).cast(pl.String)
    if not levels:
        return pl.when(cell.is_null()).then(prior).otherwise(prior)
    return cell.replace_strict(levels, means, default=prior, return_dtype=pl.Float64).fill_null(prior)
