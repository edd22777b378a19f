"""What the commands that read strangers' specs can reach, whatever these lead them to: a second wall, by Landlock."""

import os
import sys
from collections.abc import Iterable, Sequence

from mlspec.machine import landlock, work_tree

SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/localtime", "/dev/urandom"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/self/cgroup", "/proc/sys/vm", "/sys/fs/cgroup", "/sys/devices/system"),
)
# What each command imports last: once Python has compiled it, nothing is left to be written.
LAST = {
    "validate": "rules/weight_is_no_number",
    "policy": "rules/weight_is_no_number",
    "compile": "graph/show/tree",
    "diff": "diff/show/text",
}
LISTED = ("/dev", "/proc/self/fd")
TERMINAL = ("/dev/null", "/dev/tty")
LINKERS = ("/lib64", "/lib")  # where the program lies that the kernel starts every other one with


DVC, OUTPUTS = ("dvc", "dvc-params"), ("-o", "--output")


def confine_command(arguments: Sequence[str]) -> bool:
    """Confine this process as the command that these arguments start needs it: to the work trees of every path that is
    named, and of the spec that is found where none is. Returns whether it is in force; nothing depends on it.

    Not for DVC's forms of a graph, which are written beside the spec, where DVC looks for them. Nor while Python has
    yet to write the compiled modules of the command, which it never could afterwards.
    """
    from mlspec import specfile

    if any(form in arguments or f"--format={form}" in arguments for form in DVC):
        return False

    paths, write = [specfile.SPEC], set[str]()
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, equals, value = argument.partition("=")
        inner = value if equals and name.startswith("--") else argument.removeprefix("-o")
        if before in OUTPUTS or name == OUTPUTS[1] or (argument.startswith("-o") and inner):
            write.add(os.path.dirname(os.path.realpath(inner)))
        elif os.path.lexists(inner):
            paths.append(os.path.join(inner, specfile.SPEC) if os.path.isdir(inner) else inner)
    try:
        paths.append(specfile.find())
    except Exception:  # there is none, or no working folder: the command reports it
        pass
    command, git, read = arguments[0], "", set[str]()
    if not (sys.dont_write_bytecode or os.path.exists(_compiled(LAST[command]))):
        return False
    if "--fix" in arguments:
        write |= {os.path.dirname(os.path.realpath(path)) for path in paths if os.path.isfile(path)}
    if command == "compile":
        write |= {home for path in paths if (home := _cache(path))}
    if command == "diff":
        import tempfile

        from mlspec.diagnostics import SpecError
        from mlspec.machine.git import program

        try:
            git = program(os.curdir)
        except SpecError:
            pass
        try:
            write.add(tempfile.gettempdir())
        except OSError:  # there is room nowhere: the command reports it where it needs some
            pass
        # Where git keeps whose repositories are safe, and how lines are merged.
        read |= {"/etc/gitconfig", os.path.expanduser("~/.gitconfig"), os.path.expanduser("~/.config/git")}
    if "--allow-outside" in arguments:
        read.add("/")
    try:
        return confine(paths, read=read, write=write, git=git)
    except OSError:
        return False


def _compiled(module: str) -> str:
    """Where Python keeps a module of mlspec compiled."""
    folder, name = os.path.split(os.path.join(os.path.dirname(os.path.dirname(__file__)), module))
    return os.path.join(folder, "__pycache__", f"{name}.{sys.implementation.cache_tag}.pyc")


def _cache(spec: str) -> str:
    """The folder of mlspec beside a spec, made if it is not there; empty where there is no spec, or it is a link."""
    from pathlib import Path

    from mlspec import paths
    from mlspec.diagnostics import SpecError

    if not os.path.isfile(spec):
        return ""
    home = paths.home(Path(spec).parent)
    try:
        if not home.is_dir():
            paths.prepare(home)
    except (OSError, SpecError):
        return ""
    return "" if home.is_symlink() else os.fspath(home)


def confine(specs: Iterable[str], *, read: Iterable[str] = (), write: Iterable[str] = (), git: str = "") -> bool:
    """Confine this process to reading the work trees of these specs, ``read``, the interpreter and the system's
    libraries, writing to ``write``, and starting this interpreter and ``git``.

    Returns whether it is in force: not where the kernel has no Landlock, and not where a program is a script.
    """
    programs = {os.path.realpath(sys.executable), *([os.path.realpath(git)] if git else [])}
    if any(map(_is_script, programs)):
        return False
    read = {*read, *(path for path in sys.path if os.path.isabs(path))} | {sys.prefix, sys.base_prefix, *SYSTEM}
    for folder in {os.path.dirname(os.path.realpath(spec)) for spec in specs}:
        tree = work_tree.find(folder)
        read |= {folder} if tree is None else {*tree, *_alternates(tree.common_dir)}
    return landlock.confine(read=read, listed=LISTED, write={*TERMINAL, *write}, execute={*programs, *_linkers()})


def _is_script(program: str) -> bool:
    try:
        with open(program, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True


def _linkers() -> Iterable[str]:
    for folder in LINKERS:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        yield from (os.path.realpath(os.path.join(folder, name)) for name in names if name.startswith("ld-"))


def _alternates(common_dir: str) -> Iterable[str]:
    """Other repositories that a clone shares objects with."""
    from mlspec.machine import safe_files

    try:
        lines = safe_files.read(os.path.join(common_dir, "objects", "info", "alternates"), 1 << 16).splitlines()
    except OSError:
        return
    for line in lines:
        yield os.path.join(common_dir, "objects", os.fsdecode(line))
