"""Kills and full or failing disks at every call with which a command changes a project's folder.

python tests/faults/commands.py                  all commands, all calls: killed, ENOSPC, EIO
python tests/faults/commands.py NAME... [-n N]   these commands, N calls of each
python tests/faults/commands.py --disk NAME [-n N]   the command on N disks that really are too small
python tests/faults/commands.py --list

Whatever happens: the file that is written is the old one or the whole new one, no other file of the project changes,
a full disk ends the command with 3 and one clear line, stored results are undamaged, the same command then works and
leaves nothing behind. Prints a line for each command and exits with 1 where anything was otherwise.
"""

import contextlib
import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct, structs

from mlspec import api, paths
from mlspec.cli import main
from mlspec.diagnostics import StoreError
from mlspec.engine.run import lockfile
from mlspec.store import upkeep
from mlspec.store.store import Store
from mlspec.testing import faults

ROOT = Path(__file__).parents[2]
START = "import os, sys; os.chdir(sys.argv.pop(1)); from mlspec.cli import main; sys.exit(main())"
SPEC = """\
mlspec: 1
project: {name: small}
constraints: {quality: [{metric: accuracy, at_least: 0.5}]}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {by: stratified, seed: 1}
  expect: [{column: a, between: [-10, 10]}]
model:
  candidates: {linear: {type: logistic_regression}}
evaluation: {baselines: [majority]}
"""
CONTRACT = """\
apiVersion: v3.0.2
kind: DataContract
id: rows
version: 1.0.0
status: active
schema:
  - name: rows
    properties: [{name: b, logicalType: string}, {name: a, logicalType: number}]
"""
OLD = "what was there before\n"
CHECKED = ("killed", "ENOSPC", "EIO")


class Case(Struct, frozen=True, kw_only=True):
    """A command: its arguments with ``@`` for the project's folder, the file that it writes (``old`` is put there
    first), what a finished command returns, what is to be done to the project before, what must work afterwards, and
    the beginnings of names of other files that may change too, freely or (``whole``) from the old one to the new."""

    arguments: tuple[str, ...]
    target: str = ""
    old: str = OLD
    code: int = 0
    before: Callable[[Path], None] = lambda root: None
    after: tuple[tuple[str, ...], ...] = ()
    may_change: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


def merged(root: Path) -> None:
    for name, change in (("base", ""), ("ours", "goal: ours"), ("theirs", "")):
        text = SPEC.replace("{name: small}", f"{{name: small, {change}}}") if change else SPEC
        (root / name).write_text(text.replace("0.5", "0.6") if name == "theirs" else text)


def merged_by_lines(root: Path) -> None:
    for name, lines in (("base", "a\nb\nc\nd\n"), ("ours", "x\nb\nc\nd\n"), ("theirs", "a\nb\nc\ny\n")):
        (root / name).write_text("{: no spec\n" + lines)


def unrun(root: Path) -> None:
    shutil.rmtree(root / ".mlspec")
    (root / "mlspec.lock").unlink()


def brought(root: Path) -> None:
    """Results that DVC knows, as a colleague's pull brings them: nothing of mlspec's own is here."""
    quiet("run", str(root), "--backend", "dvc", "--init")
    shutil.rmtree(root / ".mlspec")


def tracked(root: Path) -> None:
    quiet("run", str(root), "--backend", "dvc", "--init", "--only", "split")


CASES = {
    "compile -o": Case(arguments=("compile", "@/project.yaml", "--resolved", "-o", "@/out.yaml"), target="out.yaml"),
    "diff -o": Case(
        arguments=("diff", "@/project.yaml", "@/other.yaml", "--format", "html", "-o", "@/out.html"),
        target="out.html",
        before=lambda root: (root / "other.yaml").write_text(SPEC.replace("0.5", "0.6")) and None,
    ),
    "report -o": Case(arguments=("report", "--spec", "@/project.yaml", "-o", "@/out.html"), target="out.html"),
    "profile -o": Case(arguments=("profile", "@/rows.csv", "-o", "@/out.txt"), target="out.txt"),
    "predict -o csv": Case(arguments=("predict", "@", "@/rows.csv", "-o", "@/out.csv"), target="out.csv"),
    "predict -o parquet": Case(arguments=("predict", "@", "@/rows.csv", "-o", "@/out.parquet"), target="out.parquet"),
    "predict -o jsonl": Case(arguments=("predict", "@", "@/rows.csv", "-o", "@/out.jsonl"), target="out.jsonl"),
    "contract export -o": Case(arguments=("contract", "export", "@", "-o", "@/out.yaml"), target="out.yaml"),
    "contract import -o": Case(
        arguments=("contract", "import", "@/contract.yaml", "-o", "@/out.yaml"),
        target="out.yaml",
        before=lambda root: (root / "contract.yaml").write_text(CONTRACT) and None,
    ),
    "contract import --write": Case(
        arguments=("contract", "import", "@/contract.yaml", "--write", "@/project.yaml"),
        target="project.yaml",
        old=SPEC,
        before=lambda root: (root / "contract.yaml").write_text(CONTRACT) and None,
    ),
    "init --force": Case(
        arguments=("init", "@/rows.csv", "--target", "y", "--force", "--no-trial", "-o", "@/project.yaml"),
        target="project.yaml",
        old=SPEC,
    ),
    "merge": Case(arguments=("merge", "@/base", "@/ours", "@/theirs"), target="ours", old="", before=merged),
    "merge by lines": Case(
        arguments=("merge", "@/base", "@/ours", "@/theirs"), target="ours", old="", before=merged_by_lines
    ),
    "schema --write": Case(
        arguments=("schema", "--write"), target="schema/project.schema.json", whole=("schema/", "docs/reference/")
    ),
    "gc": Case(
        arguments=("gc", "@", "--keep", "0"),
        after=(("compile", "@", "--detailed-exitcode"), ("report", "--spec", "@", "-o", "@/out.html")),
        may_change=("out.html",),
    ),
    "run": Case(
        arguments=("run", "@", "--backend", "inline"),
        target="mlspec.lock",
        old="",
        before=unrun,
        after=(("compile", "@", "--detailed-exitcode"), ("report", "--spec", "@"), ("predict", "@", "@/rows.csv")),
    ),
    "compile --format dvc": Case(
        arguments=("compile", "@", "--format", "dvc"),
        target="dvc.yaml",
        old="",
        before=tracked,
        whole=("mlspec.params/", "mlspec.results/.gitignore"),
    ),
    "run, results to DVC": Case(
        arguments=("run", "@", "--backend", "dvc"),
        target="dvc.lock",
        old="",
        before=tracked,
        after=(("compile", "@", "--detailed-exitcode"),),
        may_change=("mlspec.", "dvc.", ".dvc/", ".dvcignore", ".gitignore"),
    ),
    "run, results of DVC": Case(
        arguments=("run", "@"),
        target="mlspec.lock",
        old="",
        before=brought,
        after=(("compile", "@", "--detailed-exitcode"),),
    ),
}  # fmt: skip


def made(folder: Path) -> Path:
    """A project that has been run twice, with results that nobody needs any more."""
    root = folder / "made"
    root.mkdir()
    draw = random.Random(4)
    rows = [f"{x:.3f},{draw.choice('pqr')},{'yes' if x > 0 else 'no'}" for x in (draw.gauss(0, 1) for _ in range(90))]
    (root / "rows.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    for seed in (2, 1):
        (root / "project.yaml").write_text(SPEC.replace("seed: 1", f"seed: {seed}"))
        quiet("run", str(root))
    return root


def quiet(*arguments: str) -> int:
    """The exit code of a command that is run in this process."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main(arguments)


def timeless(path: Path) -> bytes:
    """A lock without what differs from run to run: how long steps took. Half a lock is reported as such."""
    if path.name == "dvc.lock":
        lines = path.read_text().splitlines()
        return "\n".join(line for line in lines if "made.json" not in line and "md5" not in line).encode()
    try:
        found = lockfile.read(path)
    except StoreError:
        return b"half a lock"
    assert found is not None
    return lockfile.text(
        structs.replace(found, steps={k: structs.replace(s, seconds=None) for k, s in found.steps.items()})
    )


class Campaign:
    """One command, on a fresh copy of the project each time, always in the same place."""

    def __init__(self, case: Case, project: Path, folder: Path) -> None:
        self.case, self.root, self.log = case, folder / "work", folder / "log"
        self.project = folder / "before"
        shutil.copytree(project, self.project)
        case.before(self.project)
        if case.target and case.old and case.old != SPEC:
            (self.project / case.target).parent.mkdir(exist_ok=True)
            (self.project / case.target).write_text(case.old)
        self.old = self._target(self.project)
        self.before = dict(self._others(self.project))
        self.fresh()
        self.command = [sys.executable, "-c", START, str(self.root), *self._arguments(case.arguments)]
        self.points = faults.points(self.command, self.root, self.log, code=case.code)
        self.new = self._target(self.root)
        self.after = dict(self._others(self.root))
        self.problems: list[str] = []

    def fresh(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.project, self.root, symlinks=True)
        if (self.root / ".mlspec" / "store").is_dir():
            # What was copied counts as made elsewhere.
            api.adopt(self.root)

    def tried(self, way: str, point: faults.Point) -> str:
        """What came of the command with a fault at a point: ``killed``, ``refused``, ``done``, or ``not reached``."""
        self.fresh()
        found = len(self.problems)
        if way == "killed":
            ended = faults.killed(self.command, point, self.log)
        else:
            try:
                ended = faults.full(self.command, point, self.log, for_good=False, error=way, folder=self.root)
            except subprocess.TimeoutExpired:
                # Threads wake each other by writing: with that call failing they wait, as they would on no disk.
                return "not reached"
        self._undamaged(way, ended)
        self._recovers()
        for index in range(found, len(self.problems)):
            self.problems[index] = f"{way} at {point.call} {point.count}: {self.problems[index]}"
        if not ended.hit:
            return "not reached"
        return "killed" if way == "killed" else "done" if ended.code == self.case.code else "refused"

    def _undamaged(self, way: str, ended: faults.Ended) -> None:
        target = self._target(self.root)
        if target not in (self.old, self.new):
            self._problem(f"the target is neither the old file nor the new one: {target!r:.80}")
        if way != "killed" and ended.hit:
            if ended.code == self.case.code and target != self.new:
                self._problem("it says that all is well, and the target is the old one")
            if ended.code not in (self.case.code, 3):
                self._problem(f"exit {ended.code}: {ended.output[-300:]}")
            lines = [line for line in ended.output.splitlines() if "error" in line]
            why = "space" if way == "ENOSPC" else "input/output error"
            if ended.code == 3 and (not any(why in line.lower() for line in lines) or "Traceback" in ended.output):
                self._problem(f"unclear: {ended.output[-300:]}")
        if len(list(self._left_over())) > 1:
            self._problem(f"several files stay behind: {list(self._left_over())}")
        self._unchanged("after the fault")

    def _recovers(self) -> None:
        done = subprocess.run(self.command, capture_output=True, text=True, check=False)
        if done.returncode != self.case.code:
            self._problem(f"the next one ends with {done.returncode}: {done.stderr[-300:]}")
        if self._target(self.root) != self.new:
            self._problem("the next one gives something else")
        if list(self._left_over()):
            self._problem(f"stays behind: {list(self._left_over())}")
        self._unchanged("after the next one")
        for arguments in self.case.after:
            if quiet(*self._arguments(arguments)) != 0:
                self._problem(f"afterwards, {' '.join(arguments)} fails")

    def _unchanged(self, when: str) -> None:
        now = dict(self._others(self.root))
        changed = [
            name
            for name in self.before.keys() | self.after.keys() | now.keys()
            if now.get(name) not in (self.before.get(name), *self._allowed(name))
        ]
        if changed:
            self._problem(f"{when} other files have changed: {sorted(changed)}")
        store = Store(paths.store(paths.home(self.root)))
        damage = upkeep.verify(store)
        if damage:
            self._problem(f"{when} the store is damaged: {damage}")

    def _allowed(self, name: str) -> tuple[bytes | None, ...]:
        return (self.after.get(name),) if name.startswith(self.case.whole or ("/",)) else ()

    def _problem(self, text: str) -> None:
        self.problems.append(text)

    def _arguments(self, arguments: tuple[str, ...]) -> list[str]:
        return [argument.replace("@", str(self.root)) for argument in arguments]

    def _target(self, root: Path) -> bytes | None:
        path = root / self.case.target
        if not self.case.target or not path.is_file():
            return None
        return timeless(path) if path.name in ("mlspec.lock", "dvc.lock") else path.read_bytes()

    def _left_over(self) -> Iterator[str]:
        """Parts of files, but those in the folder of a run that was killed: it is removed as a whole some day."""
        for path in self.root.rglob(".*.part"):
            name = path.relative_to(self.root).as_posix()
            if not name.startswith(".mlspec/runs/"):
                yield name

    def _others(self, root: Path) -> Iterator[tuple[str, bytes]]:
        """The project's files but the target, what may change with it, and mlspec's own folder."""
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            free = (".mlspec/", ".git/", *self.case.may_change)
            if path.is_file() and name != self.case.target and not name.startswith(free) and path.suffix != ".part":
                yield name, path.read_bytes()


def chosen(points: list[faults.Point], way: str, count: int | None) -> list[faults.Point]:
    """The points at which a fault of that kind can be put in, or some of them, of every kind of call."""
    found = points
    if way == "ENOSPC":
        found = faults.fillable(points)
    elif way == "EIO":
        found = [point for point in points if point.sure]
    if count is None or count >= len(found):
        return found
    seen: Counter[str] = Counter()
    ranks = {}
    for point in random.Random(3).sample(found, len(found)):
        ranks[point] = seen[point.call]
        seen[point.call] += 1
    return sorted(ranks, key=lambda point: (ranks[point], point))[:count]


def campaign(names: list[str], count: int | None) -> int:
    broken = 0
    with tempfile.TemporaryDirectory(prefix="mlspec-faults-") as scratch:
        project = made(Path(scratch))
        for name in names:
            folder = Path(scratch, "case")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            one = Campaign(CASES[name], project, folder)
            tally: Counter[str] = Counter()
            for way in CHECKED:
                for point in chosen(one.points, way, count):
                    before = len(one.problems)
                    tally[f"{way}: {one.tried(way, point)}"] += 1
                    for problem in one.problems[before:]:
                        print("   ", problem, flush=True)
            told = ", ".join(f"{what} {number}" for what, number in sorted(tally.items()))
            print(f"{name}: {len(one.points)} calls, {told}, damaged {len(one.problems)}", flush=True)
            broken += len(one.problems)
    return broken


SMALL_DISK = """
mount -t tmpfs none "$1" || exit 77
cp -a "$2/." "$1"
used=$(df -k --output=used "$1" | tail -1)
mount -o remount,size=$((used + $3))k "$1"
disk=$1
shift 3
"$@"
code=$?
mount -o remount,size=256m "$disk"
"$@" > /dev/null 2> "$disk/.mlspec/again" || { cat "$disk/.mlspec/again" >&2; exit 99; }
"$1" -c "import sys; from mlspec.cli import main; sys.exit(main())" verify "$disk" --store > /dev/null || exit 98
exit $code
"""


def disks(name: str, count: int) -> int:
    """How often a command went wrong on disks with less and less room; half of them leave it almost none."""
    broken, tally = 0, Counter[str]()
    with tempfile.TemporaryDirectory(prefix="mlspec-faults-") as scratch:
        project, root = made(Path(scratch)), Path(scratch, "disk")
        CASES[name].before(project)
        root.mkdir()
        command = [sys.executable, "-c", START, str(root)]
        command += [argument.replace("@", str(root)) for argument in CASES[name].arguments]
        for index in range(count):
            room = 4 * index if index < count // 2 else 32 * (index - count // 2 + 1)
            shell = ["unshare", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, "sh", str(root), str(project)]
            done = subprocess.run([*shell, str(room), *command], capture_output=True, text=True, check=False)
            tally[f"exit {done.returncode}"] += 1
            clear = "no space" in done.stderr and "Traceback" not in done.stderr
            if done.returncode != CASES[name].code and not (done.returncode == 3 and clear):
                broken += 1
                print(f"    {room} KiB: exit {done.returncode}: {done.stderr[-600:]}", flush=True)
    print(f"{name} on {count} small disks: {dict(tally)}, broken {broken}", flush=True)
    return broken


if __name__ == "__main__":
    given = sys.argv[1:]
    if given == ["--list"]:
        print("\n".join(CASES))
        sys.exit()
    limit = int(given[given.index("-n") + 1]) if "-n" in given else None
    wanted = given[: given.index("-n")] if "-n" in given else given
    if wanted[:1] == ["--disk"]:
        sys.exit(disks(wanted[1], limit or 32) > 0)
    unknown = [name for name in wanted if name not in CASES]
    if unknown:
        sys.exit(f"{unknown[0]} is none of: {', '.join(CASES)}")
    sys.exit(campaign(wanted or list(CASES), limit) > 0)
