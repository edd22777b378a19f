"""Numbers that states give to people: how they look, and the check that most of them carry.

Sources: the issuing states' own descriptions, as collected in python-stdnum's documentation of each number.
"""

import re
from collections.abc import Callable
from datetime import date

DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
FISCALE_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
VERHOEFF_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _british(text: str) -> bool:
    return text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _spanish(text: str) -> bool:
    plain = text.replace("-", "")
    digits = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return DNI_LETTERS[int(digits) % 23] == plain[-1]


def _italian(text: str) -> bool:
    values = [int(char) if char.isdigit() else ord(char) - ord("A") for char in text[:15]]
    total = sum(FISCALE_ODD[value] for value in values[::2]) + sum(values[1::2])
    # Women's days are counted from 41.
    return chr(ord("A") + total % 26) == text[15] and 1 <= int(text[9:11]) % 40 <= 31


def _french(text: str) -> bool:
    plain = text.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return 97 - int(plain[:13]) % 97 == int(plain[13:])


def _brazilian(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()]
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(digit * (length + 1 - index) for index, digit in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return True


def _swedish(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()]
    total = sum(sum(divmod(digit * (2 - index % 2), 10)) for index, digit in enumerate(digits))
    return total % 10 == 0 and _is_day(int(text[:2]), int(text[2:4]), int(text[4:6]))


def _finnish(text: str) -> bool:
    number = int(text[:6] + text[7:10])
    return HETU_LETTERS[number % 31] == text[10] and _is_day(int(text[4:6]), int(text[2:4]), int(text[:2]))


def _polish(text: str) -> bool:
    digits = [int(char) for char in text]
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
    total = sum(digit * weight for digit, weight in zip(digits, weights, strict=False))
    return (10 - total % 10) % 10 == digits[10] and _is_day(int(text[:2]), int(text[2:4]) % 20, int(text[4:6]))


def _indian(text: str) -> bool:
    check = 0
    for index, char in enumerate(reversed(text.replace(" ", ""))):
        digit = int(char)
        for _ in range(index % 8):
            digit = VERHOEFF_TURN[digit]
        check = _dihedral(check, digit)
    return check == 0


def _dihedral(left: int, right: int) -> int:
    """The product in the symmetry group of a pentagon, by which Verhoeff's check multiplies digits."""
    if left < 5:
        return (left + right) % 5 if right < 5 else 5 + (left + right) % 5
    return 5 + (left - right) % 5 if right < 5 else (left - right) % 5


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(2000 + year, month, day)
    except ValueError:
        return False
    return True


# Read by Rust's regex engine too, which has no look-around.
NUMBERS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "British": (r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", _british),
    "Spanish": (r"\b(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]\b", _spanish),
    "Italian": (r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", _italian),
    "French": (r"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b", _french),
    "Brazilian": (r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", _brazilian),
    "Swedish": (r"\b\d{6}[-+]\d{4}\b", _swedish),
    "Finnish": (r"\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b", _finnish),
    "Polish": (r"\b\d{11}\b", _polish),
    "Indian": (r"\b[2-9]\d{3} \d{4} \d{4}\b", _indian),
}
PATTERN = "|".join(pattern for pattern, _check in NUMBERS.values())


def is_one(text: str) -> bool:
    """Whether a text that looks like such a number passes its check."""
    return any(re.fullmatch(pattern, text) is not None and check(text) for pattern, check in NUMBERS.values())
