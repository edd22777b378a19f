"""Which encodings of text are read."""

import codecs

NOT_TEXT = frozenset(("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"))


def is_encoding(name: str) -> bool:
    """Whether there is such an encoding of text."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, OSError):
        return False
    return found._is_text_encoding and found.name.replace("_", "-") not in {n.replace("_", "-") for n in NOT_TEXT}
