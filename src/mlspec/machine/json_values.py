"""JSON from elsewhere: whatever is wrong with it is a ValueError."""

import os
from typing import Any, TypeVar, overload

import msgspec

from mlspec.machine import safe_files

T = TypeVar("T")


@overload
def decode(data: bytes | str) -> Any: ...
@overload
def decode(data: bytes | str, type: type[T]) -> T: ...
def decode(data: bytes | str, type: Any = Any) -> Any:  # noqa: A002
    """The value of a JSON text. Raises ValueError where it is no JSON, of another type, or nested too deeply."""
    try:
        return msgspec.json.decode(data, type=type)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(str(error)) from None


@overload
def read(path: str | os.PathLike[str], *, most: int = safe_files.LARGEST) -> Any: ...
@overload
def read(path: str | os.PathLike[str], type: type[T], *, most: int = safe_files.LARGEST) -> T: ...
def read(path: str | os.PathLike[str], type: Any = Any, *, most: int = safe_files.LARGEST) -> Any:  # noqa: A002
    """The value in a regular file of no more than ``most`` bytes. Raises OSError where it can't be read, and ValueError
    as ``decode`` does."""
    return decode(safe_files.read(path, most), type)
