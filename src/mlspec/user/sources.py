"""The source files of users' own code, found without importing or running any of it."""

from collections.abc import Iterator
from pathlib import Path

from mlspec.machine import allowed_reads, safe_files
from mlspec.machine.allowed_reads import Reads

LARGEST = 4 << 20


def locate(folder: Path, module: str) -> Path | None:
    """The file of a module, by its dotted name, in a folder; None where there is none. A package wins over a file."""
    base = folder.joinpath(*module.split("."))
    for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
        if path.is_file():
            return path
    return None


def closure(root: Path, module: str, reads: Reads | None = None) -> dict[str, Path]:
    """The files of a module in ``root`` by their names there: it, all modules there that it imports, however far, and
    all of its package. Empty where it is not there. A file that is not in ``reads`` is named, and not opened."""
    local = locate(root, module)
    if local is None:
        return {}
    found: dict[str, Path] = {}
    open_modules = [(module, local)]
    package = root / module.partition(".")[0]
    if (package / "__init__.py").is_file():
        # A saved model takes its whole package along.
        open_modules += [(_name(path.relative_to(root)), path) for path in package.rglob("*.py")]
    while open_modules:
        name, path = open_modules.pop()
        key = path.relative_to(root).as_posix()
        if key in found:
            continue
        found[key] = path
        is_closed = reads is not None and allowed_reads.refusal(reads, path)
        for imported in () if is_closed else _imports(path, name):
            inner = locate(root, imported)
            if inner is not None:
                open_modules.append((imported, inner))
    return dict(sorted(found.items()))


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, module: str) -> Iterator[str]:
    """The modules that a file names in its imports, and the packages around them, as absolute names."""
    import ast

    try:
        tree = ast.parse(safe_files.read(path, LARGEST))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*around, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" if base else alias.name for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1) if parts[0])
