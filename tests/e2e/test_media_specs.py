"""The examples of pictures and texts, run whole on fewer rows; new pictures come as a folder, an archive, or base64."""

import base64
import json
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest

from .conftest import Mlspec, copy


def without(folder: Path, first: str, after: str) -> Path:
    """The example without a candidate: fewer minutes of everybody's."""
    text = (folder / "project.yaml").read_text()
    text = text[: text.index(first)] + text[text.index(after) :]
    text = re.sub(r"trees: \{max_iter: 10\}, |    model: \{candidates: \{network: .*\n", "", text)
    (folder / "project.yaml").write_text(text)
    return folder


@pytest.mark.slow
def test_digits_as_pictures(mlspec: Mlspec, tmp_path: Path) -> None:
    folder = without(copy("digits-images", tmp_path), "    trees:", "    cnn:")
    done = mlspec("run", "--profile", "smoke", cwd=folder)
    assert "All 4 constraints hold" in done.stdout
    assert "nothing to do" in mlspec("run", "--profile", "smoke", cwd=folder).stderr
    report = (folder / json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)["report"]).read_text()
    assert "8 x 8 pixels" in report
    assert "IHDR" not in report
    with zipfile.ZipFile(folder / "data/digits.zip") as archive:
        sevens = sorted(name for name in archive.namelist() if name.startswith("7/"))[:5]
        archive.extractall(folder / "new", sevens)
    rows = [{"image": base64.b64encode((folder / "new" / name).read_bytes()).decode()} for name in sevens]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    answers = []
    for data in ("new", "rows.jsonl"):
        mlspec("predict", ".", data, "-o", "answers.csv", cwd=folder)
        answers.append(pl.read_csv(folder / "answers.csv"))
    assert answers[0].equals(answers[1])
    assert (answers[0]["prediction"] == 7).mean() > 0.5
    # A picture that is damaged ends the run at its source's line, and the results of before stay.
    with zipfile.ZipFile(folder / "data/digits.zip") as archive:
        archive.extractall(folder / "data/digits")
    (folder / "data/digits/7/bad.png").write_bytes((folder / "new" / sevens[0]).read_bytes()[:-30])
    (folder / "project.yaml").write_text((folder / "project.yaml").read_text().replace("digits.zip", "digits"))
    failed = mlspec("run", "--profile", "smoke", cwd=folder, code=3)
    assert "'7/bad.png' of data/digits is a damaged image" in failed.stderr
    assert "--> project.yaml:" in failed.stderr


@pytest.mark.slow
def test_the_tone_of_sentences(mlspec: Mlspec, tmp_path: Path) -> None:
    folder = without(copy("review-sentiment", tmp_path), "    network:", "evaluation:")
    text = (folder / "project.yaml").read_text()
    (folder / "project.yaml").write_text(re.sub("  latency: .*\n", "", text))
    done = mlspec("run", "--profile", "smoke", cwd=folder)
    assert "All 4 constraints hold" in done.stdout
    assert "warning" not in done.stdout
    (folder / "new").mkdir()
    (folder / "new/one.txt").write_text("I love it, the best player I ever had, great picture.")
    (folder / "new/two.txt").write_text("It does not work and the support is terrible, what a waste.")
    mlspec("predict", ".", "new", "--keep", "path", "-o", "answers.csv", cwd=folder)
    assert pl.read_csv(folder / "answers.csv")["prediction"].to_list() == ["positive", "negative"]


@pytest.mark.slow
def test_a_first_spec_for_a_folder(mlspec: Mlspec, tmp_path: Path) -> None:
    folder = copy("digits-images", tmp_path)
    with zipfile.ZipFile(folder / "data/digits.zip") as archive:
        for name in archive.namelist()[:400]:
            archive.extract(name, tmp_path / ("pictures/train" if int(name[2:-4]) % 4 else "pictures/test"))
    mlspec("init", "pictures", cwd=tmp_path)
    written = (tmp_path / "project.yaml").read_text()
    for line in (
        "{path: pictures, format: images}",
        "id: path",
        "{by: given, column: split}",
        "size: [8, 8], colour: grey",
        "{type: torch.cnn}",
    ):
        assert line in written
    mlspec("validate", cwd=tmp_path)
    told = mlspec("profile", "pictures", cwd=tmp_path).stdout
    assert "8 x 8 pixels" in told
