"""What is long or deep: a piece repeated up to millions of times, as the other inputs. The input is a recipe."""

import gzip
import json
from pathlib import Path
from random import Random

import beside
import files
import projects
from inputs import fresh

from targets import contract, expression, lock, runs
from targets.spec import judged

SHARE, TRACED = 10, False
LONGEST, LONGEST_FILE = 4 << 20, 96 << 20
WAYS = ("spec", "csv", "csv.gz", "jsonl", "expression", "lock", "contract", "facts", "regex", "setting")
PIECES = (
    "[", "{", "(", '{"a":', "- ", "a,", "a", "x: ", '"', "\n", "\\", "9", "x,y\n", '{"x":1,"y":2}\n', "&a [*a,",
    "- - ", "? ", "NOT ", "x + ", "(a|", "\0", "é", "😀", " ", "\t", "#", "|\n ", "'", "1e9", "<<: ", "*a ", "k%: 1\n",
    "--", ",", "%", "/", "../", "*/", "**/", "[[", "a{1,9}",
)  # fmt: skip
STARTS = ("", "mlspec: 1\nproject: ", "x,y\n1,", '{"x": ', "x = ", "&a ", "version: [", '{"sources": ', "a: |\n  ")


def seeds() -> list[bytes]:
    """One of each way."""
    return [
        json.dumps({"way": way, "start": "", "piece": piece, "times": 100_000, "end": ""}).encode()
        for way in WAYS
        for piece in PIECES[:6]
    ]


def mutate(data: bytes, chance: Random) -> bytes:
    """Another piece, count or beginning."""
    try:
        said = json.loads(data)
        said = said if isinstance(said, dict) else {}
    except (ValueError, RecursionError):
        said = {}
    for _ in range(chance.choice((1, 2, 3))):
        key = chance.choice(("way", "piece", "times", "start", "end"))
        said[key] = {
            "way": chance.choice(WAYS),
            "piece": chance.choice(PIECES) + (chance.choice(PIECES) if chance.random() < 0.5 else ""),
            "times": chance.choice((10, 65, 1000, 10_000, 200_000, 1_000_000, 5_000_000, 100_000_000)),
            "start": chance.choice(STARTS),
            "end": chance.choice(("", "]", "}", "\n", '"', ")")),
        }[key]
    return json.dumps(said).encode()


def one(data: bytes, scratch: Path) -> str:
    """Follow the recipe."""
    try:
        said = json.loads(data)
        piece, times = str(said.get("piece", "a")), int(said.get("times", 1000))
        way, start, end = str(said.get("way", "spec")), str(said.get("start", "")), str(said.get("end", ""))
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return "no recipe"
    if way in ("csv", "csv.gz", "jsonl"):
        root = fresh(scratch / "toolong")
        _write(root / f"a.{way}", start, piece, max(0, min(times, LONGEST_FILE // max(1, len(piece)))), end)
        return f"{way} {files.execute({'verb': 'validate', 'source': {}, 'target': 'y'}, root, f'a.{way}')}"
    times = max(0, min(times, LONGEST // max(1, len(piece))))
    body = piece * times
    if "%" in piece and times <= 50_000:  # each with a number of its own: keys that differ
        body = "".join(piece.replace("%", str(i)) for i in range(times))
    content = (start + body + end).encode("utf-8", "surrogatepass")
    if way == "expression":
        return f"{way} {expression.one(content, scratch)}"
    if way == "lock":
        return f"{way} {lock.one(content, scratch)}"
    if way == "contract":
        return f"{way} {contract.one(content, scratch)}"
    if way == "facts":
        return f"{way} {runs.one(content, scratch)}"
    if way in ("regex", "setting"):
        pattern = json.dumps(content.decode("utf-8", "replace"))
        spec = beside.SPEC.replace("drift: {psi: 0.1}}\n    - {rows", f"matches: {pattern}}}\n    - {{rows")
        return f"{way} {judged(spec.encode(), projects.small(scratch)['penguins'])}"
    return f"spec {judged(content, projects.small(scratch)['penguins'])}"


def _write(path: Path, start: str, piece: str, times: int, end: str) -> None:
    """Write a file that is larger than what is ever held of it."""
    most = max(1, (1 << 20) // max(1, len(piece)))
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as file:
        file.write(start.encode("utf-8", "surrogatepass"))
        for at in range(0, times, most):
            file.write((piece * min(most, times - at)).encode("utf-8", "surrogatepass"))
        file.write(end.encode("utf-8", "surrogatepass"))
