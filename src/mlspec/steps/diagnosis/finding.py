"""What a check found."""

from msgspec import Struct


class Check(Struct, frozen=True, kw_only=True):
    """One check: its name, what was measured, what was expected, and where it failed what to do about it, or why the
    project accepts it. ``leak``: the finding in a few words, where a model may look better than it is."""

    check: str
    measured: str
    expected: str
    fails: bool = False
    advice: str = ""
    accepted: str = ""
    leak: str = ""
