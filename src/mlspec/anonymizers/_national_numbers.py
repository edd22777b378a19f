"""Numbers that states give to people: how they look. python-stdnum knows the check that most of them carry."""

import importlib
import re
from collections.abc import Callable


def _british(text: str) -> bool:
    """It has no check, and prefixes that are not given out."""
    return text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def passes(module: str, text: str, **options: bool) -> bool:
    """Whether a module of python-stdnum accepts a number. Where it is not installed, which only `mlspec init` can meet,
    all that looks like such a number counts as one."""
    try:
        check = importlib.import_module(f"stdnum.{module}")
    except ModuleNotFoundError:
        return True
    return bool(check.is_valid(text, **options))


def _by(*modules: str, **options: bool) -> Callable[[str], bool]:
    return lambda text: any(passes(module, text, **options) for module in modules)


# Read by Rust's regex engine too, which has no look-around.
NUMBERS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "British": (r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", _british),
    "Spanish": (r"\b(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]\b", _by("es.dni", "es.nie")),
    "Italian": (r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", _by("it.codicefiscale")),
    "French": (r"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b", _by("fr.nir")),
    "Brazilian": (r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", _by("br.cpf")),
    "Swedish": (r"\b\d{6}[-+]\d{4}\b", _by("se.personnummer")),
    "Finnish": (r"\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b", _by("fi.hetu", allow_temporary=True)),
    "Polish": (r"\b\d{11}\b", _by("pl.pesel")),
    "Indian": (r"\b[2-9]\d{3} \d{4} \d{4}\b", _by("in_.aadhaar")),
}
PATTERN = "|".join(pattern for pattern, _check in NUMBERS.values())


def is_one(text: str) -> bool:
    """Whether a text that looks like such a number passes its check."""
    return any(re.fullmatch(pattern, text) is not None and check(text) for pattern, check in NUMBERS.values())
