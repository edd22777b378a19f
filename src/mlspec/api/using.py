"""Uses the selected model on new rows."""

import os
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mlspec.diagnostics import Diagnostic, SpecError, StepError, printable
from mlspec.machine import python_paths
from mlspec.specfile import find

if TYPE_CHECKING:
    import polars as pl

    from mlspec.steps.serving.package import LoadedModel
    from mlspec.steps.serving.package_format import About, PackageError

SHOWN = 20  # files of code that are listed


@python_paths.only_own()
def load_model(
    model: str | os.PathLike[str] | None = None, *, device: str = "cpu", trust_code: bool = False
) -> "LoadedModel":
    """The selected model of a spec's last run, or the exported model in a folder, ready to predict.

    A folder may come from anybody: its files must be those that its ``package.json`` lists, and it is loaded, and
    answers, in a process of its own. ``trust_code``: its author is trusted; it is loaded into this process, which
    answers sooner, and code that it brings along (``type: python``) is run, after its files are listed on the error
    stream. Raises SpecError when there is no model, or when it can't be used.
    """
    from mlspec.steps.serving import isolated, package_format

    folder = _folder(model)
    try:
        about = package_format.read_about(folder)
        if package_format.brings_code(about):
            if not trust_code:
                raise SpecError([_untrusted(folder, about)])
            for line in _code(about, every=True):
                print(printable(line), file=sys.stderr)
        return _trusted(folder, about, device) if trust_code else isolated.Isolated(folder, device)
    except package_format.PackageError as error:
        raise _refused(error) from None


@python_paths.only_own()
def predict(
    model: "LoadedModel", data: "str | os.PathLike[str] | pl.DataFrame", *, keep: Sequence[str] = ()
) -> "pl.DataFrame":
    """Predictions for new rows, from a file or a frame, in their order.

    For classes: ``prediction``, the predicted class (by the model's threshold if it has one, else the most probable
    class),
    ``to_person``, whether a person should decide (if the model has an abstention threshold), and ``p_CLASS``, the
    probability of each. For numbers: ``prediction``.
    ``keep``: columns of the data to carry along. Raises StepError where columns are missing or hold
    something else, SpecError where the file can't be read, or the model turns out to be damaged.
    """
    import polars as pl

    from mlspec.steps.serving.package_format import PackageError

    frame = data if isinstance(data, pl.DataFrame) else _read_rows(os.fspath(data), model, keep)
    lacking = [name for name in keep if name not in frame.columns]
    if lacking:
        raise SpecError([Diagnostic(code="unknown-column", message=f"the data has no column '{lacking[0]}'")])
    try:
        rows = model.treat(frame)
        predicted = model.predict(rows)
    except PackageError as error:
        raise _refused(error) from None
    except (StepError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # its library's, its own code's, or a panic of the data engine
        text = " ".join(f"the model can't answer: {type(error).__name__}: {error}".split())[:1000]
        raise SpecError([Diagnostic(code="prediction-failed", message=text)]) from error
    classes = model.about.classes
    kept = [frame[name] for name in keep]
    if classes is None:
        return pl.DataFrame([*kept, pl.Series("prediction", predicted)])
    decided = [pl.Series("prediction", [classes[index] for index in model.decide(predicted, rows)])]
    if model.about.abstain_below is not None:
        decided.append(pl.Series("to_person", predicted.max(axis=1) < model.about.abstain_below))
    shares = [pl.Series(f"p_{name}", predicted[:, index]) for index, name in enumerate(classes)]
    return pl.DataFrame([*kept, *decided, *shares])


def _folder(model: str | os.PathLike[str] | None) -> Path:
    """The folder of an exported model, or of the one that a spec's last run selected."""
    from mlspec.report.runs import stored
    from mlspec.steps.serving import package_format

    if model is not None and os.path.lexists(Path(model, package_format.ABOUT)):
        return Path(model)
    path = find(model)
    for run in stored.every(Path(path).parent):
        if run.model is not None:
            return Path(run.model)
    note = f"mlspec run {path}"
    raise SpecError([Diagnostic(code="no-model", message="no run of this project has selected a model", notes=(note,))])


def _trusted(folder: Path, about: "About", device: str) -> "LoadedModel":
    """The model in this process: a copy of what was looked at, for code may read its files later."""
    from mlspec.steps.serving import package, package_format

    home = Path(tempfile.mkdtemp(prefix="mlspec-model-"))
    try:
        package_format.verify(folder, about, home)
        loaded = package.load(home, device)
    except StepError as error:
        shutil.rmtree(home, ignore_errors=True)
        file = getattr(error, "file", home)
        there = folder / file.relative_to(home) if file.is_relative_to(home) else file
        raise package_format.PackageError(str(error).replace(str(home), str(folder)), there) from error
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    weakref.finalize(loaded, shutil.rmtree, home, ignore_errors=True)
    return loaded


def _untrusted(folder: Path, about: "About") -> Diagnostic:
    return Diagnostic(
        code="package-brings-code",
        message=f"the model in '{folder}' contains code, which loading it would run",
        notes=(*_code(about), f"if you trust it: api.load_model({str(folder)!r}, trust_code=True)"),
    )


def _code(about: "About", *, every: bool = False) -> list[str]:
    """What loading a package would run, in lines; of many files only some, or ``every`` one."""
    from mlspec.steps.serving import package_format

    named = sorted({str(settings["code"]) for _name, settings in about.models() if "code" in settings})
    files = [f"{name} (SHA-256 {digest})" for name, digest in package_format.code_of(about).items()]
    shown = len(files) if every else SHOWN
    more = [f"and {len(files) - shown} more files"] if len(files) > shown else []
    return [f"code of the model: {', '.join(named)}", *files[:shown], *more]


def _refused(error: "PackageError") -> SpecError:
    """The diagnostic of a folder that is no model which can be used."""
    where = "" if str(error.file) in str(error) else f"{error.file}: "
    return SpecError([Diagnostic(code=error.code, message=f"{where}{error}", notes=error.notes)])


def _read_rows(path: str, model: "LoadedModel", keep: Sequence[str]) -> "pl.DataFrame":
    from typing import cast

    from mlspec.plugins.base import Column, ColumnType
    from mlspec.steps.data.raw_rows import opened, reading

    source, columns = opened(path)
    found = {column.name: column for column in columns}
    # The model knows the types of its columns better than a look at these rows does.
    read = {name: found[name] for name in keep if name in found}
    known = (*model.about.columns, *model.about.raw_columns())
    read |= {name: Column(name, cast(ColumnType, kind)) for name, kind in known if name in found}
    with reading(path, Path(), source):
        return source.scan(Path(), tuple(read.values())).collect()


def write_table(
    frame: "pl.DataFrame", path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()
) -> None:
    """Write a table, whole or not at all, as its file's ending says: .csv, .parquet or .jsonl.

    Raises SpecError for another ending and where it is one of the ``inputs``, OSError where it can't be written.
    """
    from polars.exceptions import ComputeError

    from mlspec.machine import whole_files

    writers: dict[str, Callable[[IO[bytes]], object]] = {
        ".csv": frame.write_csv,
        ".parquet": frame.write_parquet,
        ".jsonl": frame.write_ndjson,
    }
    ending = Path(path).suffix
    if ending not in writers:
        message = f"'{path}' does not end in {', '.join(writers)}"
        raise SpecError([Diagnostic(code="format-unclear", message=message)])
    with whole_files.output(path, inputs) as file:
        try:
            writers[ending](file)
        except (OSError, ComputeError) as error:
            # The data engine reports a system error as a number in a text.
            number = re.search(r"\(os error (\d+)\)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from None
