"""Folders and archives of pictures and texts: the same rows from each, and a clear word about what can't be read."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from PIL import Image

from mlspec import pixels, registry
from mlspec.diagnostics import StepError
from mlspec.machine.file_digests import Digests
from mlspec.plugins.base import Column
from mlspec.plugins.source import Source
from mlspec.steps.data import source as read_source
from mlspec.steps.job import Job


def source(kind: str, path: str, **more: Any) -> Source:
    """A source of a kind."""
    return cast(Source, registry.plugin("sources", kind)(path=path, **more))


def picture(shade: int = 0, size: tuple[int, int] = (4, 3), mode: str = "L", form: str = "PNG") -> bytes:
    """An encoded picture of one shade; ``size`` is width and height."""
    made = io.BytesIO()
    Image.new(mode, size, shade).save(made, form)
    return made.getvalue()


def laid(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def zipped(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


FILES = {
    "train/cat/2.png": picture(2),
    "train/dog/1.PNG": picture(1),
    "test/cat/3.jpg": picture(3, form="JPEG"),
    "val/dog/4.png": picture(4),
}
ROWS = [
    {"path": "test/cat/3.jpg", "split": "test", "label": "cat"},
    {"path": "train/cat/2.png", "split": "train", "label": "cat"},
    {"path": "train/dog/1.PNG", "split": "train", "label": "dog"},
    {"path": "val/dog/4.png", "split": "validation", "label": "dog"},
]


def test_folders_archives_and_tables_give_the_same_rows(tmp_path: Path) -> None:
    laid(tmp_path / "plain", {**FILES, ".hidden/x": b"", "LICENSE": b"free"})
    zipped(tmp_path / "inner.zip", {f"pets/{name}": data for name, data in FILES.items()})
    table = "file_name,split,label\n" + "".join(f"{r['path']},{r['split']},{r['label']}\n" for r in ROWS)
    zipped(tmp_path / "told.zip", {**FILES, "labels.csv": table.encode()})
    for path in ("plain", "inner.zip", "told.zip"):
        one = source("images", path)
        columns = one.columns(tmp_path)
        assert [(c.name, c.type) for c in columns] == [
            ("path", "category"),
            ("split", "category"),
            ("label", "category"),
            ("image", "image"),
        ]
        assert one.values(tmp_path, "label") == (("cat", "cat", "dog", "dog"), True)
        read = one.scan(tmp_path, columns).collect()
        assert read.drop("image").rows(named=True) == ROWS
        assert read["image"].to_list() == [FILES[row["path"]] for row in ROWS]
        # What is not asked for is not read.
        assert one.scan(tmp_path, columns[:1]).collect().columns == ["path"]
    # A folder is pinned as one: its digest is that of all files and their names.
    assert source("images", "plain").files(tmp_path) == {"plain": tmp_path / "plain"}


def test_texts_and_what_a_table_tells_of_them(tmp_path: Path) -> None:
    laid(
        tmp_path / "notes",
        {
            "metadata.jsonl": b'{"file_name": "a.txt", "stars": 3, "day": "2024-01-01"}\n',
            "a.txt": "caf\xe9\n".encode("latin-1"),
            "b.txt": b"\xef\xbb\xbfplain",
        },
    )
    one = source("texts", "notes", encoding="latin-1")
    columns = one.columns(tmp_path)
    assert {c.name: c.type for c in columns} == {
        "path": "category",
        "stars": "integer",
        "day": "date",
        "text": "category",
    }
    read = one.scan(tmp_path, columns).collect()
    assert read["text"][0] == "café\n"
    assert read["stars"].to_list() == [3, None]
    with pytest.raises(StepError, match=r"'a.txt' of notes is not utf-8 text: line 1; set its `encoding`"):
        source("texts", "notes").scan(tmp_path, columns).collect()


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "nothing": (lambda folder: folder.mkdir(), "pets has no file that ends in .png"),
    "empty label": (lambda folder: (folder / "owl").mkdir(), "folder 'owl' has no file"),
    "other ending": (lambda folder: laid(folder, {"cat/a.heic": b""}), "'cat/a.heic' has none of the endings .png"),
    "two depths": (lambda folder: laid(folder, {"a.png": b""}), "are not at the same depth"),
    "too deep": (lambda folder: laid(folder, {"x/y/a.png": b"", "cat/y/a.png": b""}), "are not at the same depth"),
    "case": (lambda folder: laid(folder, {"cat/1.PNG": b""}), "have names that differ only in case"),
    "a link": (
        lambda folder: (folder / "cat/l.png").symlink_to("/etc/hostname"),
        "is a link to a place outside the folder",
    ),
    "a table": (
        lambda folder: laid(folder, {"labels.csv": b"file_name,l\nno.png,1\n"}),
        "names 'no.png', which does not exist",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_folder_that_is_not_as_it_should_be_is_reported_before_anything_runs(what: str, tmp_path: Path) -> None:
    change, told = BROKEN[what]
    if what != "nothing":
        laid(tmp_path / "pets", {"cat/1.png": picture(), "dog/1.png": picture()})
    change(tmp_path / "pets")
    with pytest.raises(ValueError, match=told):
        source("images", "pets").columns(tmp_path)


def test_an_archive_leads_nowhere_else(tmp_path: Path) -> None:
    for name in ("../a.png", "/a.png", "a/../../b.png", "C:/a.png", "a\\b.png"):
        zipped(tmp_path / "pets.zip", {"cat/1.png": picture(), name: picture()})
        with pytest.raises(ValueError, match="points outside the archive"):
            source("images", "pets.zip").columns(tmp_path)
    (tmp_path / "pets.zip").write_bytes((tmp_path / "pets.zip").read_bytes()[:-9])
    with pytest.raises(ValueError, match="neither a folder nor a complete zip file"):
        source("images", "pets.zip").columns(tmp_path)


def test_a_folder_that_changes_while_it_is_read_gives_nothing(tmp_path: Path) -> None:
    laid(tmp_path / "pets", {"cat/1.png": picture(), "dog/1.png": picture(1)})
    one = source("images", "pets")
    job = Job(
        id="source.pets",
        kind="source",
        params={"source": ["images", {"path": "pets"}], "columns": [["label", "category"], ["image", "image"]]},
        inputs={},
        outputs={"table": tmp_path / "table"},
        scratch=tmp_path,
        root=tmp_path,
        files={name: Digests(None).of(path) for name, path in one.files(tmp_path).items()},
        progress=lambda *_: None,
    )
    read_source.run(job)
    assert pl.read_parquet(tmp_path / "table")["label"].to_list() == ["cat", "dog"]
    (tmp_path / "pets/dog/1.png").write_bytes(picture(2))
    with pytest.raises(StepError, match="pets was changed while it was read; run again"):
        read_source.run(job)


DAMAGED = {
    "is empty": b"",
    "is no PNG, JPEG": b"hello",
    "is a damaged image": picture(size=(64, 64))[:60],
    "is an image of mode CMYK": picture(mode="CMYK", form="TIFF"),
    "has 8,000 x 8,000 pixels": picture(size=(8_000, 8_000), mode="1"),
    "has too many pixels": picture(size=(20_000, 10_000), mode="1"),
}


@pytest.mark.parametrize("told", DAMAGED)
def test_a_picture_that_cannot_be_used_is_named(told: str, tmp_path: Path) -> None:
    laid(tmp_path / "pets", {"cat/1.png": picture(), "dog/bad.png": DAMAGED[told]})
    one = source("images", "pets")
    with pytest.raises(StepError, match=f"'dog/bad.png' of pets {told}"):
        one.scan(tmp_path, one.columns(tmp_path)).sink_parquet(tmp_path / "rows.parquet")


def test_pictures_of_every_mode_come_out_grey_or_rgb() -> None:
    deep = Image.new("I;16", (2, 2), 65_535)
    clear = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    moving = [Image.new("L", (2, 2), shade) for shade in (0, 255)]
    for made, mode, shade in ((deep, "L", 255), (clear, "RGB", (255, 255, 255))):
        encoded = io.BytesIO()
        made.save(encoded, "PNG")
        found = pixels.decoded(encoded.getvalue(), "one")
        assert (found.mode, found.getpixel((0, 0))) == (mode, shade)
    encoded = io.BytesIO()
    moving[0].save(encoded, "GIF", save_all=True, append_images=moving[1:])
    with pytest.raises(StepError, match="one has 2 frames"):
        pixels.decoded(encoded.getvalue(), "one")


def test_pictures_come_in_base64_too(tmp_path: Path) -> None:
    encoded = pl.Series([picture(7)]).bin.encode("base64")[0]
    (tmp_path / "rows.jsonl").write_text(f'{{"image": "{encoded}"}}\n')
    (tmp_path / "rows.csv").write_text(f"image\n{encoded}\n")
    (tmp_path / "bad.csv").write_text(f"image\n{encoded}\n?\n")
    columns = (Column("image", "image"),)
    for name in ("rows.jsonl", "rows.csv"):
        read = source(name.partition(".")[2], name).scan(tmp_path, columns).collect()
        assert read["image"].to_list() == [picture(7)]
    with pytest.raises(StepError, match="should contain images in base64, but row 2 does not"):
        source("csv", "bad.csv").scan(tmp_path, columns).collect()
