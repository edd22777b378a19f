"""A user's own modules: loaded by the place of their files, never in the way of others, two folders side by side."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mlspec import user
from mlspec.machine import child_process


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / (name.replace("__in__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return folder


def test_modules_beside_it_are_found_absolutely_and_relatively(tmp_path: Path) -> None:
    written(
        tmp_path,
        models="import helpers, own.deep as deep\nfrom own import deep as again\nfrom helpers import VALUE\n"
        "value = (helpers.VALUE, VALUE, deep.VALUE, again is deep)",
        helpers="VALUE = 1",
        own__in____init__="",
        own__in__deep="from . import near\nfrom .near import VALUE as more\nVALUE = near.VALUE + more",
        own__in__near="VALUE = 2",
    )
    before = list(sys.path)
    assert user.module(tmp_path, "models").value == (1, 1, 4, True)
    assert user.module(tmp_path, "own.deep").VALUE == 4
    assert sys.path == before
    assert not {"models", "helpers", "own"} & sys.modules.keys()
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_module_without_a_package_file_and_one_imported_in_a_function_are_found(tmp_path: Path) -> None:
    written(tmp_path, plain__in__nets="def value():\n    import late\n    return late.VALUE", late="VALUE = 3")
    assert user.module(tmp_path, "plain.nets").value() == 3


def test_two_folders_with_modules_of_the_same_names_do_not_meet(tmp_path: Path) -> None:
    code = "import helpers\n\ndef value():\n    import more\n    return helpers.VALUE, more.VALUE\n"
    found = []
    for number in (1, 2):
        folder = written(tmp_path / str(number), models=code, helpers=f"VALUE = {number}", more=f"VALUE = {number}0")
        found.append(user.module(folder, "models"))
    assert [one.value() for one in found] == [(1, 10), (2, 20)]


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    written(tmp_path, models="import helpers", helpers="VALUE = 1")
    first = user.module(tmp_path, "models")
    assert user.module(tmp_path, "models") is first
    written(tmp_path, helpers="VALUE = 2")
    assert user.module(tmp_path, "models").helpers.VALUE == 2
    assert first.helpers.VALUE == 1


@pytest.mark.parametrize(("name", "other"), [("json", "Python's own 'json'"), ("polars", "polars/__init__.py")])
def test_a_file_with_the_name_of_another_module_is_an_error_where_it_is_imported(
    name: str, other: str, tmp_path: Path
) -> None:
    written(tmp_path, models=f"import {name}", fine="VALUE = 1")
    written(tmp_path, **{name: "VALUE = 'own'"})
    assert user.module(tmp_path, "fine").VALUE == 1
    assert user.module(tmp_path, name).VALUE == "own"
    with pytest.raises(ImportError) as caught:
        user.module(tmp_path, "models")
    told = str(caught.value)
    assert told.startswith(f"'{name}' may be {tmp_path / name}.py or ")
    assert f"{other}: give the file beside the spec another name" in told


def test_a_plain_folder_comes_after_an_installed_module(tmp_path: Path) -> None:
    written(tmp_path, models="import polars\nname = polars.__name__")
    (tmp_path / "polars").mkdir()
    assert user.module(tmp_path, "models").name == "polars"


def test_what_was_compiled_before_and_what_is_no_source_is_not_run(tmp_path: Path) -> None:
    import py_compile

    evil = written(tmp_path / "evil", models="VALUE = 'evil'") / "models.py"
    folder = written(tmp_path / "own", models="VALUE = 1", other="import sourceless")
    cached = folder / "__pycache__" / f"models.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(str(evil), cached, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    (folder / "sourceless.pyc").write_bytes(cached.read_bytes())
    assert user.module(folder, "models").VALUE == 1
    with pytest.raises(ModuleNotFoundError):
        user.module(folder, "other")
    with pytest.raises(ModuleNotFoundError):
        user.module(folder, "sourceless")


SPAWNED = """
import sys
from multiprocessing import get_context
from pathlib import Path
from mlspec import user

if __name__ == "__main__":
    module = user.module(Path(sys.argv[1]), "models")
    with get_context("spawn").Pool(1) as pool:
        print(pool.map(module.double, [2]), pool.apply(type, (module.Thing(),)).__module__ == module.__name__)
"""


def test_processes_that_user_code_starts_find_its_modules(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "own",
        models="import helpers\n\nclass Thing:\n    pass\n\ndef double(value):\n    return value * helpers.TWO",
        helpers="TWO = 2",
    )
    script = written(tmp_path, script=SPAWNED) / "script.py"
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, check=False)
    assert done.stdout == "[4] True\n", done.stderr


def test_a_python_that_is_started_takes_nothing_from_the_folder_it_is_in(tmp_path: Path) -> None:
    for name in ("runpy", "json", "mlspec", "msgspec", "selectors", "sitecustomize", "zipfile"):
        written(tmp_path, **{name: "open('ran', 'w')"})
    command = child_process.command("mlspec.engine.worker")
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()
