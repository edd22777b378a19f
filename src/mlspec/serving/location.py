"""What is served, from its folder: an exported model, a bundle, or what a spec's last run selected."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import json_values, safe_files
from mlspec.machine.patterns import pattern
from mlspec.spec import units
from mlspec.spec.operation.labels import Labels
from mlspec.spec.operation.log import Log
from mlspec.spec.operation.serve import Serve

BUNDLE, PACKAGE, SPEC, RESOLVED = "bundle.json", "package", "spec.json", "resolved.yaml"
LARGEST = 1 << 24
NAME = pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
UNITS = {"max_body": "bytes", "timeout": "duration", "keep": "duration", "max_size": "bytes", "within": "duration"}
Section = TypeVar("Section", Serve, Log, Labels)


class Served(NamedTuple):
    """The folder of a package, the name that it has there, and what the spec says of its service."""

    folder: Path
    name: str
    serve: Serve
    log: Log
    labels: Labels | None


def found(folder: Path) -> Served:
    """What is in a folder: a package by itself, one of a run, or a bundle. Raises SpecError where the spec beside it
    can't be read."""
    bundle = folder / BUNDLE
    try:
        if bundle.is_file():
            known = json_values.read(bundle, dict[str, Any], most=LARGEST)
            spec = json_values.read(folder / SPEC, dict[str, Any], most=LARGEST)
            return _served(folder / PACKAGE, known.get("name"), spec)
        beside = folder.parent / RESOLVED
        if beside.is_file():
            import yaml

            spec = yaml.safe_load(safe_files.read(beside, LARGEST))
            return _served(folder, spec.get("project", {}).get("name"), spec)
    except (OSError, ValueError, TypeError, AttributeError, LookupError, msgspec.MsgspecError) as error:
        message = f"what '{folder}' says of its service can't be read: {error}"
        raise SpecError([Diagnostic(code="service-unclear", message=message)]) from None
    except Exception as error:  # of yaml
        message = f"what '{folder}' says of its service can't be read: {type(error).__name__}"
        raise SpecError([Diagnostic(code="service-unclear", message=message)]) from None
    return _served(folder, None, {})


def _served(folder: Path, name: Any, spec: Mapping[str, Any]) -> Served:
    stated = spec.get("operation") or {}
    is_name = isinstance(name, str) and NAME.fullmatch(name)
    labels = _section(stated, "labels", Labels) if stated.get("labels") else None
    serve, log = _section(stated, "serve", Serve), _section(stated, "log", Log)
    return Served(folder, name if is_name else "model", serve, log, labels)


def _section(stated: Mapping[str, Any], key: str, kind: type[Section]) -> Section:
    """A section as a resolved spec has it: sizes and times are numbers, or texts with a unit."""
    settings = {
        name: units.parse(UNITS[name], value) if name in UNITS and isinstance(value, str) else value
        for name, value in (stated.get(key) or {}).items()
    }
    return msgspec.convert(settings, kind)
