"""JSON from elsewhere: whatever is wrong with it is a ValueError."""

from typing import Any, TypeVar, overload

import msgspec

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
