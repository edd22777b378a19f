"""What a check found."""

from msgspec import Struct


class Check(Struct, frozen=True, kw_only=True):
    """One check: its name, what was measured, what was expected, and where it failed what to do about it, or why the
    project accepts it. ``leak``: where failing it means that a model may look better than it is, that in a few words."""

    check: str
    measured: str
    expected: str
    fails: bool = False
    advice: str = ""
    accepted: str = ""
    leak: str = ""
