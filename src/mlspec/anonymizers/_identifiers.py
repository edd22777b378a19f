"""What names a person: how such values look, and how columns that hold them are called."""

import re
from collections.abc import Callable, Iterable

from mlspec.anonymizers import _national_numbers
from mlspec.anonymizers._given_names import given_names

LOOKED_AT = 200
MOST_OF_THEM = 0.5  # the share of a column's values that makes it a column of such

# Read by Rust's regex engine too, which has no look-around.
PATTERNS: dict[str, str] = {
    "address of mail": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b",
    "card number": r"\b(?:\d[ -]?){12,18}\d\b",
    "account number": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b",
    "telephone number": r"\+\d{1,3}[ ()./-]{0,2}\d(?:[ ()./-]{0,2}\d){6,12}\b"
    r"|\(\d{3}\) ?\d{3}[ -]\d{4}\b|\b\d{3}-\d{3}-\d{4}\b",
    "social security number": r"\b\d{3}-\d{2}-\d{4}\b",
    "national identity number": _national_numbers.PATTERN,
    "street address": r"\b\d{1,5}[A-Za-z]?,? (?:[A-Z][A-Za-z'.-]+ ){1,4}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Court|Square|Terrace|Highway|Hwy)\b"
    r"|\b[A-ZÄÖÜ][a-zäöüß]+(?:straße|strasse|weg|platz|gasse|allee) \d{1,4}[a-z]?\b"
    r"|\b\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|chemin|impasse) (?:d[eu] |d'|des |la |le )*[A-ZÉ][a-zé]+",
    "name with a title": r"\b(?:Mrs?|Ms|Miss|Dr|Prof|Herr|Frau|Monsieur|Madame|Mme|Mlle|Se[ñn]ora?)\.? "
    r"[A-ZÀ-Ý][a-zà-ÿ]+(?:[ -][A-ZÀ-Ý][a-zà-ÿ]+)*",
    "IP address": r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"
    r"|\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\b",
}
NUMBER = r"(_?(number|no))?"
NAMES: dict[str, tuple[str, ...]] = {
    "direct_identifier": (
        r"e?_?mail(_?address)?",
        rf"(tele)?phone{NUMBER}|mobile{NUMBER}|fax{NUMBER}|cell(_?phone)?",
        r"(first|last|sur|full|given|family|maiden|user|customer|client|patient|employee|person)_?name",
        rf"ssn|social_?security{NUMBER}|passport{NUMBER}|national_?id|tax_?id|iban|(credit_?)?card{NUMBER}",
        r"(street|home|mail(ing)?|postal)_?address|address(_?line)?_?\d?|ip(_?address)?",
    ),
    "quasi_identifier": (
        r"zip(_?code)?|post(al)?_?code|postcode",
        r"(date_?of_?)?birth(_?(date|day))?|dob|born",
    ),
    "sensitive": (r"diagnos(is|es)|religion|health_?status|sexual_?orientation|political_?\w+",),
}


# Columns of which one value identifies one thing, of which there may be many rows.
THINGS = (
    r"(\w+_)?(id|uuid|guid)|(customer|client|patient|user|member|person|subject|device|session|household)(_(key|code))?"
)


def is_id(column: str) -> bool:
    """Whether a column of that name usually says which thing or person a row is about."""
    return re.fullmatch(THINGS, _plain(column)) is not None


def _plain(column: str) -> str:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", column).lower()
    return spaced.replace(" ", "_").replace("-", "_").replace(".", "_")


def _is_card(text: str) -> bool:
    """ISO/IEC 7812-1."""
    digits = "".join(filter(str.isdigit, text))
    return len(digits) >= 13 and len(set(digits)) > 1 and _national_numbers.passes("luhn", digits)


def _is_account(text: str) -> bool:
    """ISO 13616 (IBAN), of the length and form that its country gives it."""
    return 15 <= len(text.replace(" ", "")) <= 34 and _national_numbers.passes("iban", text)


CHECKS: dict[str, Callable[[str], bool]] = {
    "card number": _is_card,
    "account number": _is_account,
    "national identity number": _national_numbers.is_one,
}


def found_in(text: str) -> str | None:
    """The first kind of identifier that a text holds, None where it holds none."""
    for kind, pattern in PATTERNS.items():
        check = CHECKS.get(kind)
        if any(check is None or check(match.group()) for match in re.finditer(pattern, text)):
            return kind
    return None


def by_name(column: str) -> str | None:
    """What a column of that name usually is: direct_identifier, quasi_identifier, sensitive, or None."""
    plain = _plain(column)
    for kind, patterns in NAMES.items():
        if any(re.fullmatch(rf"(\w+_)?(?:{pattern})", plain) for pattern in patterns):
            return kind
    return None


def by_values(values: Iterable[str]) -> str | None:
    """The kind of identifier that most of these values hold, None where most hold none."""
    some = [value for _, value in zip(range(LOOKED_AT), values, strict=False)]
    kinds = [kind for value in some if (kind := found_in(value) or _name(value)) is not None]
    return max(set(kinds), key=kinds.count) if len(kinds) > MOST_OF_THEM * len(some) else None


def in_text(values: Iterable[str]) -> dict[str, int]:
    """How many of the first values hold each kind of identifier somewhere in them."""
    found: dict[str, int] = {}
    for _, value in zip(range(LOOKED_AT), values, strict=False):
        kind = found_in(value)
        if kind is not None:
            found[kind] = found.get(kind, 0) + 1
    return found


def _name(text: str) -> str | None:
    """A given name and one or two more words: certain enough of a column, not of a cell."""
    words = re.split(r"[ ,]+", text.strip())
    is_name = 2 <= len(words) <= 4 and all(re.fullmatch(r"[^\W\d_][\w'’.-]*", word) for word in words)
    return "name" if is_name and any(word.lower() in given_names() for word in words) else None
