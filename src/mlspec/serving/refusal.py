"""Why a request gets no answer."""

from msgspec import Struct

SHOWN = 20  # cells that are listed


class Cell(Struct, frozen=True, omit_defaults=True):
    """A cell that can't be predicted with: the place of its row in the request, from 0, the field (empty: the whole
    row), and the reason."""

    row: int
    reason: str
    field: str = ""

    def __str__(self) -> str:
        place = f"row {self.row}, field '{self.field}'" if self.field else f"row {self.row}"
        return f"{place}: {self.reason}"


class Refused(Exception):  # noqa: N818 (it is what a client gets)
    """An answer with a status of 400 or above: ``code`` is for programs, the message for people.

    ``cells`` are the first that do not fit. ``retry``: after how many seconds to ask again.
    """

    def __init__(
        self, status: int, code: str, message: str, *, cells: tuple[Cell, ...] = (), retry: int | None = None
    ) -> None:
        self.status, self.code, self.message, self.cells, self.retry = status, code, message, cells, retry
        super().__init__(message)
