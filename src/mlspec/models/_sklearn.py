"""What scikit-learn estimators share: arrays, fitting, and saving without pickle in bytes that only the fit decides."""

import io
import itertools
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.models._weights import row_weights
from mlspec.plugin import Features, Predictor, Training

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FILE = "model.skops"
ABOUT = "model.json"
# What our own estimators are made of, beyond the types that skops trusts by itself.
TRUSTED = (
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)


def plain(features: Features) -> "Array":
    """Numbers, then codes, side by side: (n, d + c) float32."""
    import numpy as np

    if features.codes.shape[1] == 0:
        return features.numeric
    return np.concatenate([features.numeric, features.codes.astype(np.float32)], axis=1)


def fit(estimator: Any, training: Training, rows: "Array", **extra: Any) -> list[str]:
    """Fit on the training rows with the threads given; the warnings that came up, each once.

    Raises StepError when the estimator refuses the data.
    """
    from threadpoolctl import threadpool_limits

    weights = extra.pop("sample_weight", row_weights(training))
    if weights is not None:
        extra["sample_weight"] = weights
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=training.threads):
        warnings.simplefilter("always")
        try:
            estimator.fit(rows, training.target, **extra)
        except ValueError as error:
            raise StepError(f"{type(estimator).__name__} could not be fitted: {error}") from error
    return sorted({str(one.message).partition("\n")[0] for one in caught})


def save(estimator: Any, folder: Path, *, classes: int, trusted: Sequence[str] = ()) -> None:
    """Write the estimator into ``folder``; ``classes`` is 0 for regression, ``trusted`` what to trust on reading."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(canonical(skops.io.dumps(estimator)))
    (folder / ABOUT).write_text(json.dumps({"classes": classes, "trusted": sorted(trusted)}, sort_keys=True))


def load(folder: Path, trusted: Sequence[str] = (), check: Callable[[Any], None] | None = None) -> Predictor:
    """The estimator from its folder, looked at by ``check``. Raises StepError when it holds types that are not
    trusted."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    about = json.loads((folder / ABOUT).read_text())
    try:
        estimator = skops.io.load(folder / FILE, trusted=[*TRUSTED, *trusted])
    except UntrustedTypesFoundException as error:
        raise StepError(f"the saved model holds types that are not trusted: {error}") from error
    if check is not None:
        check(estimator)
    return _Fitted(estimator, about["classes"])


def canonical(archive: bytes) -> bytes:
    """A skops archive with equal bytes for equal content.

    skops names files and shared objects after their place in memory and stamps the time; here they are counted in the
    order in which the schema tells of them.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        schema = json.loads(source.read("schema.json"))
        contents = {name: source.read(name) for name in source.namelist()}
    files: dict[str, str] = {}
    _renumber(schema, {}, files, itertools.count(1))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, new in files.items():
            target.writestr(zipfile.ZipInfo(new), contents[name])
        target.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema))
    return out.getvalue()


def _renumber(node: Any, ids: dict[int, int], files: dict[str, str], fresh: Iterator[int]) -> None:
    if isinstance(node, list):
        for child in node:
            _renumber(child, ids, files, fresh)
    if not isinstance(node, dict):
        return
    if "__id__" in node:
        # Whether two equal constants are one object is the interpreter's choice, so none of them is shared.
        shared = node["__id__"] in ids and node.get("__loader__") != "JsonNode"
        if not shared:
            ids[node["__id__"]] = next(fresh)
        node["__id__"] = ids[node["__id__"]]
    if isinstance(node.get("file"), str):
        name = node["file"]
        node["file"] = files.setdefault(name, f"{len(files)}{Path(name).suffix}")
    for key, child in node.items():
        if key not in ("__id__", "file"):
            _renumber(child, ids, files, fresh)


class _Fitted(Predictor):
    def __init__(self, estimator: Any, classes: int) -> None:
        import numpy as np

        self._estimator = estimator
        self._classes = classes
        # A class that no training row has is missing from the estimator's columns.
        self._columns = np.asarray(estimator.classes_, dtype=np.int64) if classes else None

    def predict(self, features: Features) -> "Array":
        import numpy as np

        rows = plain(features)
        if self._columns is None:
            return np.asarray(self._estimator.predict(rows), dtype=np.float64).reshape(len(rows))
        found = np.asarray(self._estimator.predict_proba(rows), dtype=np.float64)
        if found.shape[1] == self._classes:
            return found
        full = np.zeros((len(rows), self._classes))
        full[:, self._columns] = found
        return full
