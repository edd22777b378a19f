"""Text files, plain or compressed, in any encoding: their first lines, and all of them as UTF-8."""

import codecs
import contextlib
import io
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO

from mlspec.diagnostics import StepError
from mlspec.machine import safe_files
from mlspec.sources import _bounds, _disguise
from mlspec.sources._encodings import is_encoding

PIECE, BLOCK, SHORT = 64 << 10, 1 << 20, 8
ENGINE_READS = ("", ".gz", ".zst")  # what the data engine decompresses by itself


# Python calls these text too: bytes that encode other bytes, and texts whose line ends are ambiguous.
def head(path: Path, encoding: str, most: int) -> tuple[str, bool]:
    """The first complete lines of a file, about ``most`` of them, and whether these are all.

    Raises OSError where it can't be read and ValueError where it is no text in this encoding, or has endless lines.
    """
    if not is_encoding(encoding):
        raise ValueError(f"'{encoding}' is not a known text encoding")
    wide = _is_wide(encoding)
    data, whole = _beginning(path, most, lines=not wide)
    if not wide and b"\0" in data:
        likely = encoding_of(data)
        if _is_wide(likely):
            raise ValueError(f"it is UTF-16 text: add encoding: {likely}")
        line = data[: data.find(b"\0")].count(b"\n") + 1
        raise ValueError(f"this is not text: line {line} has a zero byte")
    try:
        decoder = codecs.getincrementaldecoder("utf-8" if _is_utf8(encoding) else encoding)()
        text = decoder.decode(data.removeprefix(codecs.BOM_UTF8) if _is_utf8(encoding) else data, whole or not wide)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        way = _way_out(data) if _is_utf8(encoding) else ""
        name = "UTF-8" if _is_utf8(encoding) else encoding
        raise ValueError(f"not {name} text: line {line}{way}") from None
    if ends_in_cr(text):
        text = text.replace("\r", "\n")
    if not whole:
        text = text[: text.rfind("\n") + 1]
        if not text:
            raise ValueError(f"its first line is longer than {_bounds.BYTES >> 20} MiB")
    return text, whole


def beginning(path: Path) -> bytes:
    """The first bytes of a file, decompressed. Raises OSError and ValueError as ``head`` does."""
    return _beginning(path, _bounds.ROWS, lines=False)[0]


def encoding_of(data: bytes) -> str:
    """The encoding that these first bytes of a text are in, as far as they show it."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:PIECE]
    first, second = start[::2].count(0), start[1::2].count(0)
    if max(first, second) > len(start) // 5 and not min(first, second) and len(start) > SHORT:
        return "utf-16-be" if first > second else "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        if sum(sign > "\x7f" for sign in text) > 2 * text.count("\ufffd"):
            return "utf-8"  # with stray bytes, which the reader names: as latin-1 its other letters would be wrong
        # Bytes that are control characters in latin-1 are letters and quotes in cp1252.
        return "cp1252" if any(128 <= byte < 160 for byte in data) and _is_in(data, "cp1252") else "latin-1"
    return "utf-8"


def _way_out(data: bytes) -> str:
    """What to do about bytes that are no UTF-8, behind a colon."""
    found = encoding_of(data)
    return ", although the rest is: correct that cell" if found == "utf-8" else f": add encoding: {found}"


def _is_in(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def tail(path: Path, encoding: str) -> str | None:
    """The last complete lines of a file; None where it is compressed, or in an encoding of wide characters."""
    if packing(path) or _is_wide(encoding):
        return None
    with safe_files.opened(path) as file:
        file.seek(0, io.SEEK_END)
        file.seek(max(0, file.tell() - PIECE))
        return file.read(PIECE).partition(b"\n")[2].decode(encoding, "replace")


def ends_in_cr(text: str) -> bool:
    """Whether lines end as they did on old Macs: in a carriage return alone."""
    return "\r" in text and "\n" not in text


def is_plain(path: Path, encoding: str) -> bool:
    """Whether the data engine reads such a file by itself."""
    packed = packing(path)
    if not _is_utf8(encoding) or packed not in ENGINE_READS:
        return False
    if packed == ".zst":
        return True
    with contextlib.suppress(EOFError), safe_files.opened(path) as file, _unpacked(file, packed) as stream:
        start = stream.read(PIECE)
        return b"\r" not in start or b"\n" in start
    return True  # cut short: the engine says so


def decoded(path: Path, encoding: str) -> io.BytesIO:
    """The whole file as UTF-8, in memory. Raises StepError where it is no text in this encoding."""
    try:
        with safe_files.opened(path) as file, _unpacked(file, packing(path)) as stream:
            data = stream.read()
        text = data.decode("utf-8-sig" if _is_utf8(encoding) else encoding)
        return io.BytesIO((text.replace("\r", "\n") if ends_in_cr(text) else text).encode())
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StepError(f"{path.name} is not {encoding} text: line {line}") from None
    except EOFError:
        raise StepError(f"{path.name} is incomplete") from None


def blocks(path: Path, encoding: str) -> Generator[bytes, None, None]:
    """A whole file as UTF-8, decompressed, piece by piece; what is UTF-8 already is not checked to be so.

    Raises ValueError where it is no text in this encoding, or is cut short.
    """
    if not _is_utf8(encoding):
        for text in texts(path, encoding):
            yield text.encode()
        return
    with safe_files.opened(path) as file, _unpacked(file, packing(path)) as stream:
        first = True
        while block := _block(stream):
            yield block.removeprefix(codecs.BOM_UTF8) if first else block
            first = False


def texts(path: Path, encoding: str) -> Generator[str, None, None]:
    """The same as text."""
    is_utf8, number = _is_utf8(encoding), 1
    decoder = codecs.getincrementaldecoder("utf-8-sig" if is_utf8 else encoding)()
    with safe_files.opened(path) as file, _unpacked(file, packing(path)) as stream:
        while True:
            block = _block(stream)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = number + error.object[: error.start].count(b"\n")
                way = _way_out(error.object) if is_utf8 else ""
                raise ValueError(f"not {'UTF-8' if is_utf8 else encoding} text: line {line}{way}") from None
            if "\0" in text:
                line = number + text[: text.find("\0")].count("\n")
                raise ValueError(f"this is not text: line {line} has a zero byte")
            number += text.count("\n")
            yield text
            if not block:
                return


def lines(path: Path, encoding: str) -> Generator[str, None, None]:
    """The lines of a file, each with its end: a line feed, a carriage return, or both. Raises as ``texts`` does."""
    rest = ""
    for text in texts(path, encoding):
        text = rest + text
        held = "\r" if text.endswith("\r") else ""  # a line feed may follow
        found = list(io.StringIO(text[: len(text) - len(held)], newline=""))
        rest = (found.pop() if found and not found[-1].endswith(("\n", "\r")) else "") + held
        yield from found
    if rest:
        yield rest


def _block(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(BLOCK)
    except EOFError as cut:
        raise ValueError(f"it is cut short: {cut}") from None


def packing(path: Path) -> str:
    """The ending that states the compression; empty where it is not."""
    return path.suffix.lower() if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zst") else ""


@contextlib.contextmanager
def _unpacked(file: IO[bytes], packed: str) -> Iterator[IO[bytes]]:
    """A file's bytes, decompressed as its ending says."""
    if packed == ".gz":
        import gzip

        with gzip.open(file, "rb") as stream:
            yield stream  # type: ignore[misc]
    elif packed == ".bz2":
        import bz2

        with bz2.open(file, "rb") as stream:
            yield stream
    elif packed == ".xz":
        import lzma

        with lzma.open(file, "rb") as stream:
            yield stream
    elif packed == ".zst":
        yield io.BytesIO(_unpacked_zstandard(file))
    else:
        yield file


def _beginning(path: Path, most: int, *, lines: bool) -> tuple[bytes, bool]:
    """The first bytes, at most as many as the given number of lines needs if line ends are known, and whether these are
    all."""
    packed = packing(path)
    with safe_files.opened(path) as file:
        wrong = _disguise.disguise(file.read(_disguise.LONGEST), packed)
        if wrong:
            raise ValueError(wrong)
        file.seek(0)
        if packed == ".zst":
            return _zstandard(path, most)
        if not packed:
            return _read(file, most, lines)
        # Not more is read than may be given: headers and empty parts of a compressed file can be endless too.
        whole = os.fstat(file.fileno()).st_size <= _bounds.BYTES
        taken = bytearray()
        error: Exception | None
        try:
            with _unpacked(file if whole else io.BytesIO(file.read(_bounds.BYTES)), packed) as stream:
                data, all_read = _read(stream, most, lines, taken)
                return data, whole and all_read
        except EOFError as cut:
            error = cut if whole else None
        except Exception as damaged:  # each kind has errors of its own
            if getattr(damaged, "errno", None) is not None:
                raise
            error = damaged
    if error is None:
        return bytes(taken), False
    if isinstance(error, EOFError):
        raise ValueError(f"it is cut short: {error}")
    kind = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}[packed]
    raise ValueError(f"not a {kind} file: {error}")


def _read(stream: IO[bytes], most: int, lines: bool, taken: bytearray | None = None) -> tuple[bytes, bool]:
    """The same of an open file; what was read is in ``taken`` even where the file ends too early."""
    taken = bytearray() if taken is None else taken
    count = 0
    while True:
        piece = stream.read(min(PIECE, _bounds.BYTES + 1 - len(taken)))
        if not piece:
            return bytes(taken), True
        taken += piece
        count += piece.count(b"\n") if lines else 0
        if len(taken) > _bounds.BYTES or count > most:
            break
    if count > most:
        # No more than was asked: errors further down are reported when all rows are read.
        return b"\n".join(bytes(taken).split(b"\n", most + 1)[:-1]) + b"\n", False
    return bytes(taken[: _bounds.BYTES]), False


def _zstandard(path: Path, most: int) -> tuple[bytes, bool]:
    """Python learns to read this with 3.14; until then the data engine does, a line a row."""
    import polars as pl

    try:
        lines = pl.read_csv(
            path,
            has_header=False,
            separator="\n",
            quote_char=None,
            infer_schema=False,
            n_rows=most + 1,
            new_columns=["l"],
        )["l"]
    except pl.exceptions.NoDataError:
        return b"", True
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"not a zstd file: {str(error).splitlines()[0]}") from None
    text = "".join(f"{line or ''}\n" for line in lines).encode()
    return text[: _bounds.BYTES], len(lines) <= most and len(text) <= _bounds.BYTES


def _unpacked_zstandard(file: IO[bytes]) -> bytes:
    """A whole file, in memory; without the line end of its last line."""
    import polars as pl

    lines = pl.read_csv(
        file.read(), has_header=False, separator="\n", quote_char=None, infer_schema=False, new_columns=["l"]
    )["l"]
    return "\n".join(line or "" for line in lines).encode()


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii")


def _is_wide(encoding: str) -> bool:
    """Whether a line end is anything but the one byte that it is in ASCII."""
    return not _is_utf8(encoding) and "\n".encode(encoding) != b"\n"
