"""Model folders of strangers: no code of theirs runs, and what is damaged is refused by name, whatever reads it."""

import contextlib
import hashlib
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from tests import hardware

from mlspec import api, registry
from mlspec.diagnostics import SpecError, StepError
from mlspec.models import _user_code
from mlspec.plugins.model import Features, Model, Training
from mlspec.steps import results
from mlspec.steps.data import preparation
from mlspec.steps.serving import isolated, package_format

COMMAND = Path(sysconfig.get_path("scripts")) / "mlspec"
SEED = np.random.default_rng(0)
ROWS = pl.DataFrame({"x": SEED.normal(size=120), "c": [["a", "b", None][i % 3] for i in range(120)]}).with_columns(
    pl.when(pl.col("x") > 0).then(pl.lit("u")).otherwise(pl.lit("v")).alias("y")
)
COLUMNS = [
    {"name": "x", "type": "number", "steps": [["impute", {"strategy": "median"}]]},
    {"name": "c", "type": "category", "steps": [["encode", {"method": "ordinal"}]]},
]
OWN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
import helpers

class Nearest(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.centres_ = np.stack([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def predict_proba(self, X):
        return helpers.shares(np.abs(X[:, None] - self.centres_).sum(axis=2))
"""
HELPERS = """
def shares(away):
    return away[:, ::-1] / away.sum(axis=1, keepdims=True)
"""
MODELS: dict[str, dict[str, Any]] = {
    "logistic_regression": {},
    "random_forest": {"trees": 3},
    "hist_gradient_boosting": {"max_iter": 3},
    "lightgbm": {"trees": 3},
    "catboost": {"trees": 3},
    "torch.mlp": {"epochs": 1, "hidden": [4], "bins": 4},
    "python": {"code": "own:Nearest"},
}
FAMILIES = [  # one model of each library that reads saved models
    pytest.param(name, marks=pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed"))
    for name, module in (("logistic_regression", "skops"), ("lightgbm", "lightgbm"), ("catboost", "catboost"),
                         ("torch.mlp", "torch"), ("python", "skops"))
]  # fmt: skip
SHADOWS = (
    *("skops", "sklearn", "lightgbm", "catboost", "torch", "safetensors", "numpy", "scipy/__init__", "mlspec", "json"),
    *("zipfile", "polars", "msgspec", "own", "helpers", "sitecustomize", "usercustomize", "resource", "tempfile"),
)

Export = Callable[[str], Path]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The exported model of a name, made once."""
    home = tmp_path_factory.mktemp("exported")
    (home / "own.py").write_text(OWN)
    (home / "helpers.py").write_text(HELPERS)

    def made(name: str) -> Path:
        folder = home / name
        if not folder.exists():
            model = msgspec.convert(MODELS[name], registry.plugin("models", name))
            assert isinstance(model, Model)
            target = {"target": ["y", "category"], "task": "binary_classification", "positive": None}
            state = preparation.fit(ROWS.lazy(), {"columns": COLUMNS, **target})
            rows = preparation.apply(ROWS.lazy(), state).collect()
            features, truth = preparation.features(rows, state), preparation.target(rows, state)
            (folder / "model").mkdir(parents=True)
            with _user_code.importable(home):
                model.fit(_training(features, truth, folder), folder / "model")
            results.write_json(folder / "state.json", state)
            about = package_format.About(
                candidate="mine",
                model=(name, msgspec.to_builtins(model)),
                columns=(("x", "number"), ("c", "category")),
                target="y",
                target_type="category",
                task="binary_classification",
                classes=("u", "v"),
                positive=None,
            )
            package_format.write_about(folder, about)
        return folder

    return made


def _training(features: Features, truth: "np.ndarray[Any, Any]", folder: Path) -> Training:
    return Training(
        features=features,
        target=truth,
        validation=features,
        validation_target=truth,
        task="binary_classification",
        classes=2,
        seed=0,
        device="cpu",
        threads=1,
        checkpoints=folder.parent / "checkpoints",
        progress=lambda *_: None,
    )


@pytest.fixture
def export(exported: Callable[[str], Path], tmp_path: Path) -> Export:
    """A copy of an exported model, to be changed."""

    def copied(name: str) -> Path:
        return Path(shutil.copytree(exported(name), tmp_path / "model-of-a-stranger"))

    return copied


def sealed(folder: Path, **changed: Any) -> Path:
    """The folder with a package.json that lists its files as they are: a stranger can write that too."""
    about = json.loads((folder / "package.json").read_text()) | changed
    about["files"] = {
        file.relative_to(folder).as_posix(): {
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != folder / "package.json"
    }
    (folder / "package.json").write_text(json.dumps(about))
    return folder


def refusal(folder: Path, **options: Any) -> tuple[str, str, tuple[str, ...]]:
    """The code, message and notes that a folder is refused with, and not with anything else."""
    with pytest.raises(SpecError) as caught:
        api.predict(api.load_model(folder, **options), ROWS)
    (one,) = caught.value.diagnostics
    return one.code, one.message.replace(str(folder), "FOLDER"), one.notes


def shadowed(folder: Path, ran: Path) -> None:
    """Modules of the names of installed ones, beside the model's files, that tell when they are run."""
    for place in (folder, folder / "model", folder / "model" / "code"):
        for name in SHADOWS:
            file = place / f"{name}.py"
            # What the model's own code imports must mean one thing: it is refused where it might mean two.
            if not file.exists() and not (place.name == "code" and name in ("numpy", "sklearn")):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"open({str(ran)!r}, 'w').write(__file__)\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_no_module_in_a_models_folder_takes_the_place_of_an_installed_one(
    name: str, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, trust = export(name), name == "python"
    before = api.predict(api.load_model(folder, trust_code=True), ROWS)
    shadowed(folder, tmp_path / "ran")
    code, message, _notes = refusal(folder, trust_code=trust)
    assert (code, "is not part of the exported model" in message) == ("package-damaged", True)
    sealed(folder)
    # As in a notebook that was started there.
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", ["", str(folder), *sys.path])
    loaded = api.load_model(".", trust_code=trust)
    assert api.predict(loaded, ROWS).equals(before)
    if name == "logistic_regression":
        for model in (loaded, api.load_model(".", trust_code=True)):
            with pytest.raises(SpecError) as caught:
                api.predict(model, ROWS.with_columns(x=pl.lit(float("inf"))))
            (first, *_) = caught.value.diagnostics
            assert first.message == "row 1, column 'x': 'inf' is too large for this model"
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_the_command_runs_nothing_of_the_folder_that_it_is_in(export: Export, tmp_path: Path) -> None:
    folder = export("lightgbm")
    ROWS.write_csv(tmp_path / "rows.csv")
    shadowed(folder, tmp_path / "ran")
    done = predict(sealed(folder), ".", "../rows.csv")
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, "prediction,p_u,p_v"), done.stderr
    assert not (tmp_path / "ran").exists()


def predict(cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [COMMAND, "predict", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
def test_code_is_run_with_the_option_alone_which_lists_it(export: Export, tmp_path: Path) -> None:
    folder = export("python")
    code = folder / "model" / "code"
    ran = tmp_path / "ran"
    (code / "own.py").write_text(f"open({str(ran)!r}, 'w')\n" + OWN)
    ROWS.write_csv(tmp_path / "rows.csv")
    digests = [hashlib.sha256((code / name).read_bytes()).hexdigest() for name in ("helpers.py", "own.py")]
    listed = [
        "code of the model: own:Nearest",
        f"model/code/helpers.py (SHA-256 {digests[0]})",
        f"model/code/own.py (SHA-256 {digests[1]})",
    ]
    line = "mlspec predict --trust-code --keep y -- model-of-a-stranger rows.csv"
    refused = predict(tmp_path, "--keep", "y", sealed(folder).name, "rows.csv")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "error[package-brings-code]: the model in 'model-of-a-stranger' contains code, which loading it would run\n"
        + "".join(f"  = {note}\n" for note in (*listed, f"if you trust it: {line}"))
        + "  = see: mlspec explain package-brings-code\n\n1 error\n"
    )
    assert not ran.exists()
    hint = f"api.load_model({str(folder)!r}, trust_code=True)"
    assert refusal(folder)[2][-1] == f"if you trust it: {hint}"
    assert not ran.exists()
    done = predict(tmp_path, *shlex.split(line)[2:])
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == listed
    assert done.stdout.startswith("y,prediction,p_u,p_v\n")
    assert ran.exists()
    assert not list(folder.rglob("__pycache__"))


@pytest.mark.parametrize("model", [["python", {"code": "own:Nearest"}], "member", "personal"])
def test_code_under_another_models_name_is_refused_too(model: Any, export: Export, tmp_path: Path) -> None:
    folder = export("logistic_regression")
    shadowed(folder, tmp_path / "ran")
    python = ["python", {"code": "own:Nearest"}]
    personal = {"key": "c", "level": "group", "model": python, "groups": {"a": "0" * 16}}
    changed = {"member": {"members": [{"candidate": "a", "model": python, "weight": 1.0}]}, "personal": {
        "personal": personal}}.get(model if isinstance(model, str) else "", {"model": model})  # fmt: skip
    assert refusal(sealed(folder, **changed))[0] == "package-brings-code"
    assert not (tmp_path / "ran").exists()


def test_a_models_file_that_tells_of_types_to_trust_is_not_believed(export: Export) -> None:
    import skops.io

    folder = export("logistic_regression")
    types = ["sklearn.linear_model._logistic.LogisticRegression"]
    estimator = skops.io.load(folder / "model" / "model.skops", trusted=types)
    estimator.more = textwrap.dedent
    archive = skops.io.dumps(estimator)
    (folder / "model" / "model.skops").write_bytes(archive)
    told = {"classes": 2, "trusted": skops.io.get_untrusted_types(data=archive)}
    (folder / "model" / "model.json").write_text(json.dumps(told))
    code, message, _notes = refusal(sealed(folder))
    assert code == "package-damaged"
    assert message == (
        "FOLDER/model: the model in 'FOLDER' can't be read: ValueError: model.skops holds types that are not trusted: "
        "textwrap.dedent"
    )


def extra(folder: Path) -> None:
    (folder / "model" / "notes.txt").write_text("hello")


def extra_folder(folder: Path) -> None:
    (folder / "more").mkdir()


def missing(folder: Path) -> None:
    (folder / "state.json").unlink()


def changed(folder: Path) -> None:
    data = bytearray((folder / "state.json").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "state.json").write_bytes(data)


def longer(folder: Path) -> None:
    with (folder / "state.json").open("ab") as file:
        file.write(b" ")


def link(folder: Path) -> None:
    (folder / "state.json").unlink()
    (folder / "state.json").symlink_to("/etc/passwd")


def linked_folder(folder: Path) -> None:
    shutil.move(folder / "model", folder.parent / "elsewhere")
    (folder / "model").symlink_to(folder.parent / "elsewhere")


def pipe(folder: Path) -> None:
    (folder / "state.json").unlink()
    os.mkfifo(folder / "state.json")


def endless(folder: Path) -> None:
    (folder / "package.json").unlink()
    (folder / "package.json").symlink_to("/dev/zero")


DIFFERS = "is not the file that was exported: its SHA-256 digest does not match"
EXTRA, AGAIN = "is not part of the exported model", "remove it, or export the model again"
NONE = "FOLDER/package.json: 'FOLDER' is not a model exported by mlspec: "


@pytest.mark.parametrize(
    ("attack", "message", "note"),
    [
        (extra, f"'FOLDER/model/notes.txt' {EXTRA}", AGAIN),
        (extra_folder, f"'FOLDER/more' {EXTRA}", AGAIN),
        (missing, "'FOLDER/state.json' is missing", "export the model again"),
        (changed, f"'FOLDER/state.json' {DIFFERS}", ""),
        (longer, f"'FOLDER/state.json' {DIFFERS}", ""),
        (link, f"{NONE}'state.json' goes through a link", ""),
        (linked_folder, f"{NONE}'model/about.json' goes through a link", ""),
        (pipe, "'FOLDER/state.json' can't be read: not a regular file", ""),
        (endless, f"{NONE}Not a regular file", ""),
    ],
)
def test_a_folder_has_the_files_that_it_lists_and_no_others(
    attack: Callable[[Path], None], message: str, note: str, export: Export
) -> None:
    folder = export("lightgbm")
    attack(folder)
    assert refusal(folder) == ("package-damaged", message, (note,) if note else ())


@pytest.mark.parametrize(
    "name", ["../state.json", "/etc/passwd", "model/../../x", "C:/x", "a\\b", "a\0b", "", "model//x"]
)
def test_no_listed_name_leads_out_of_the_folder(name: str, export: Export) -> None:
    folder = export("lightgbm")
    about = json.loads((folder / "package.json").read_text())
    about["files"][name] = about["files"]["state.json"]
    (folder / "package.json").write_text(json.dumps(about))
    assert refusal(folder) == ("package-damaged", f"{NONE}'{name}' points outside its folder", ())


def test_members_and_groups_are_found_by_no_name_of_theirs(export: Export) -> None:
    folder = export("lightgbm")
    model = json.loads((folder / "package.json").read_text())["model"]
    shutil.copytree(folder, folder.parent / "x")
    members = [{"candidate": "../../x", "model": model, "weight": 1.0}]
    assert refusal(sealed(folder, members=members))[1].startswith("the preparation in 'FOLDER/members/0/state.json'")
    personal = {"key": "c", "level": "group", "model": model, "groups": {"a": "../../x"}}
    told = refusal(sealed(folder, members=None, personal=personal))
    assert told == ("package-damaged", f"{NONE}a group's folder has a name that no export gives", ())


@pytest.mark.parametrize(
    ("version", "message", "note"),
    [
        (1, "an older mlspec", "mlspec run, in the project that it comes from, exports it again"),
        (99, "a newer mlspec", "pip install -U 'mlspec-compiler[run]'"),
    ],
)
def test_another_version_of_the_format_is_refused(version: int, message: str, note: str, export: Export) -> None:
    folder = export("lightgbm")
    (folder / "package.json").write_text(json.dumps({"version": version, "files": None}))
    told = f"was exported by {message}: its format is version {version}, but this mlspec reads 2"
    assert refusal(folder) == ("package-version", f"FOLDER/package.json: 'FOLDER' {told}", (note,))


BROKEN = {
    "empty": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "deep": b"[" * 200_000,
    "deep in an object": b'{"columns":' * 50_000,
    "not a number": b'{"version": NaN}',
    "out of range": b'{"version": 1e999}',
    "6,000 digits": b'{"version": ' + b"9" * 6000 + b"}",
    "no text": b"\xff\xfe\x00",
    "a lone surrogate": b'{"version": "\\ud800"}',
}


@pytest.mark.parametrize("file", ["package.json", "state.json"])
def test_json_that_is_none_of_ours_is_refused_by_its_name(file: str, exported: Export, tmp_path: Path) -> None:
    from mlspec.steps.serving import package

    folder = Path(shutil.copytree(exported("lightgbm"), tmp_path / "model"))
    for data in BROKEN.values():
        (folder / file).write_bytes(data)
        with pytest.raises(package_format.PackageError) as caught:
            package.load(sealed(folder) if file != "package.json" else folder)
        assert caught.value.file == folder / file
        assert str(folder) in str(caught.value)


def test_an_empty_state_is_refused_by_its_name(export: Export) -> None:
    folder = export("lightgbm")
    (folder / "state.json").write_text("{}")
    told = "the preparation in 'FOLDER/state.json' can't be read: Object missing required field `version`"
    assert refusal(sealed(folder)) == ("package-damaged", told, ())


WILD = [None, -1, 10**30, 1.5, "", "\0", [], [[]], {}, {"a": 1}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def test_every_value_of_a_package_of_another_type_is_refused_or_does_not_matter(
    exported: Export, tmp_path: Path
) -> None:
    """In this process, where nothing is caught: whatever is put in the place of whatever, it is a StepError or none."""
    from mlspec.steps.serving import package

    folder = Path(shutil.copytree(exported("lightgbm"), tmp_path / "model"))
    tried = 0
    for file in ("package.json", "state.json", "model/about.json"):
        known = json.loads((folder / file).read_text())
        for path in places({key: value for key, value in known.items() if key != "files"}):
            for wild in WILD[tried % 3 :: 3]:
                value = json.loads(json.dumps(known))
                inner = value
                for key in path[:-1]:
                    inner = inner[key]
                if path:
                    inner[path[-1]] = wild
                (folder / file).write_text(json.dumps(value if path else wild))
                tried += 1
                try:
                    about = package_format.read_about(folder)
                    if file != "package.json":
                        package_format.write_about(folder, about)
                    package.load(folder)
                except StepError:
                    continue
        (folder / file).write_text(json.dumps(known))
        package_format.write_about(folder, package_format.read_about(folder))
    assert tried > 200


def raised_leaves(folder: Path) -> None:
    text = (folder / "model" / "model.txt").read_text()
    lines = [line if not line.startswith("num_leaves") else "num_leaves=70000" for line in text.splitlines()]
    (folder / "model" / "model.txt").write_text("\n".join(lines))


def circle(folder: Path) -> None:
    text = (folder / "model" / "model.txt").read_text()
    lines = [line if not line.startswith("left_child") else "left_child=" + "0 " * line.count(" ") + "0"
             for line in text.splitlines()]  # fmt: skip
    (folder / "model" / "model.txt").write_text("\n".join(lines))


def other_column(folder: Path) -> None:
    text = (folder / "model" / "model.txt").read_text()
    lines = [line if not line.startswith("split_feature") else "split_feature=" + "9 " * line.count(" ") + "9"
             for line in text.splitlines()]  # fmt: skip
    (folder / "model" / "model.txt").write_text("\n".join(lines))


def nodes(folder: Path, field: str, value: int, dtype: str) -> None:
    """Put a number into a field of all nodes of scikit-learn's trees."""
    file = folder / "model" / "model.skops"
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in contents.items():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(data))
                if field in (array.dtype.names or ()) and dtype in array.dtype.names:
                    array[field][:1] = value
                    out = io.BytesIO()
                    np.save(out, array)
                    data = out.getvalue()
            archive.writestr(name, data)


def compressed(folder: Path) -> None:
    file = folder / "model" / "model.skops"
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def larger_than_its_file(folder: Path) -> None:
    config = json.loads((folder / "model" / "config.json").read_text())
    (folder / "model" / "config.json").write_text(json.dumps(config | {"numeric": 10**12}))


def wider(folder: Path) -> None:
    config = json.loads((folder / "model" / "config.json").read_text())
    config["backbone"]["hidden"] = [65_536] * 64
    (folder / "model" / "config.json").write_text(json.dumps(config))


def garbage(file: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "model" / file).write_bytes(np.random.default_rng(1).bytes(3000))

    return write


def forest_node(folder: Path) -> None:
    nodes(folder, "left_child", -5, "right_child")


def boosting_node(folder: Path) -> None:
    nodes(folder, "left", 10**6, "is_leaf")


NODE = "ValueError: the saved {} are damaged: a node points to nowhere"


@pytest.mark.parametrize(
    ("name", "attack", "told"),
    [
        ("lightgbm", raised_leaves, "model.txt: split_feature has more or fewer numbers than there should be"),
        ("lightgbm", circle, "model.txt: a split leads to nowhere"),
        ("lightgbm", other_column, "model.txt: a split is at a column that is not there"),
        ("lightgbm", garbage("model.txt"), "ValueError: model.txt: "),
        pytest.param("catboost", garbage("model.cbm"), "CatBoostError: ", marks=FAMILIES[2].marks),
        ("torch.mlp", garbage("model.safetensors"), "SafetensorError: "),
        ("torch.mlp", larger_than_its_file, "ValueError: config.json describes more weights than"),
        ("torch.mlp", wider, "ValueError: config.json is of another network than the package says"),
        ("logistic_regression", garbage("model.skops"), "BadZipFile: "),
        ("logistic_regression", compressed, "ValueError: model.skops is compressed, which no exported model is"),
        ("random_forest", forest_node, "ValueError: the saved trees are damaged: a node points to nowhere"),
        ("hist_gradient_boosting", boosting_node, NODE.format("trees")),
    ],
)
def test_a_damaged_model_is_refused(
    name: str, attack: Callable[[Path], None], told: str, exported: Export, tmp_path: Path
) -> None:
    """By what looks at it before its library does; ``load`` is what the process of its own calls."""
    from mlspec.steps.serving import package

    folder = Path(shutil.copytree(exported(name), tmp_path / "model"))
    attack(folder)
    with pytest.raises(package_format.PackageError) as caught:
        package.load(sealed(folder))
    assert str(caught.value).startswith(f"the model in '{folder}' can't be read: ")
    assert told in str(caught.value)


@pytest.mark.slow
def test_a_process_that_a_model_crashes_or_keeps_is_a_refusal(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = export("lightgbm")
    loaded = api.load_model(folder)
    assert isinstance(loaded, isolated.Isolated)
    expected = api.predict(api.load_model(folder, trust_code=True), ROWS)
    assert api.predict(loaded, ROWS).equals(expected)
    os.kill(loaded.process, signal.SIGSEGV)
    for _again in range(2):
        with pytest.raises(SpecError) as caught:
            api.predict(loaded, ROWS)
        (one,) = caught.value.diagnostics
        assert one.code == "package-damaged"
        assert one.message == (
            f"the model in '{folder}' is damaged: the process that predicts with it was ended by SIGSEGV"
        )
    stopped = api.load_model(folder)
    assert isinstance(stopped, isolated.Isolated)
    os.kill(stopped.process, signal.SIGSTOP)
    monkeypatch.setattr(isolated, "ANSWERING", 0.5)
    with pytest.raises(SpecError, match="takes too long to answer: the process that predicts with it"):
        api.predict(stopped, ROWS)


def test_a_models_process_may_not_write_and_ends_with_its_model(export: Export, tmp_path: Path) -> None:
    from mlspec.machine import landlock

    if not landlock.version():
        hardware.skip("this kernel has no Landlock")
    folder = export("lightgbm")
    # What a crash would let a stranger do is tried from inside: by a module that only this process's owner can place.
    loaded = api.load_model(folder)
    assert isinstance(loaded, isolated.Isolated)
    status = Path(f"/proc/{loaded.process}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    process = loaded.process
    del loaded
    assert not Path(f"/proc/{process}").exists()


def test_rows_that_do_not_fit_are_not_the_models_fault(export: Export) -> None:
    loaded = api.load_model(export("lightgbm"))
    with pytest.raises(SpecError, match="the data has no column 'c', which the model needs"):
        api.predict(loaded, ROWS.select("x"))
    with pytest.raises(SpecError, match="row 1, column 'x': 'far' is not a number"):
        api.predict(loaded, ROWS.with_columns(x=pl.lit("far")))
    assert api.predict(loaded, ROWS.head(0)).height == 0
    assert loaded.truth(ROWS).tolist() == [int(value == "v") for value in ROWS["y"]]


def test_data_are_regular_files_and_what_the_engine_gives_up_on_is_reported(export: Export, tmp_path: Path) -> None:
    loaded = api.load_model(export("lightgbm"))
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    for name in ("pipe.csv", "endless.csv"):
        with pytest.raises(SpecError, match=f"{name}' can't be read: not a regular file"):
            api.predict(loaded, tmp_path / name)
    ROWS.write_parquet(tmp_path / "rows.parquet")
    whole = (tmp_path / "rows.parquet").read_bytes()
    random = np.random.default_rng(2)
    for _ in range(6):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 40):
            data[place] = int(random.integers(0, 256))
        (tmp_path / "rows.parquet").write_bytes(data)
        with contextlib.suppress(SpecError, StepError):  # and nothing else
            api.predict(loaded, tmp_path / "rows.parquet")
