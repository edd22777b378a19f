"""Two versions of a small project in a folder, and what ``mlspec diff`` finds between them."""

from pathlib import Path

from mlspec.diff.between import Options, between
from mlspec.diff.change import Diff
from mlspec.diff.version import versions

HERE = Path(__file__).parent / "cases"
BASE = (HERE / "people.yaml").read_text(encoding="utf-8")
ROWS = "number,age,job,sex,weight,city,income\n" + "".join(
    f"{i},{20 + i},{'abc'[i % 3]},{'mf'[i % 2]},{i / 2},{'xyz'[i % 3]},{'high' if i % 3 else 'low'}\n"
    for i in range(40)
)
CODE = "class Net:\n    pass\n"


def folder(root: Path, text: str, files: dict[str, str] | None = None) -> Path:
    """A folder with a spec and its data; ``files`` are written too, or in place of the data."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in {"people.csv": ROWS, "own.py": CODE, **(files or {}), "project.yaml": text}.items():
        (root / name).write_text(content, encoding="utf-8")
    return root / "project.yaml"


def edited(text: str, edits: list[dict[str, str]]) -> str:
    """A text with stretches of it replaced; each stands there exactly once."""
    for edit in edits:
        assert text.count(edit["from"]) == 1, f"{text.count(edit['from'])} times in the spec: {edit['from']!r}"
        text = text.replace(edit["from"], edit["to"])
    return text


def diff(root: Path, base: str, head: str, files: dict[str, str] | None = None, **options: object) -> Diff:
    """The diff of two texts, each in a folder of its own; ``files`` are next to the second."""
    one, other = folder(root / "base", base), folder(root / "head", head, files)
    return between(*versions(str(one), str(other), None), Options(**options))  # type: ignore[arg-type]


def steps(text: str, root: Path) -> list[str]:
    """The steps of a spec, compiled where its data lies."""
    from mlspec import api

    spec = root / "other.yaml"
    spec.write_text(text, encoding="utf-8")
    return list(api.compile(spec, allow_outside=True).plan.graph.steps)
