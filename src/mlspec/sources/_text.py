"""Text files, plain or compressed, in any encoding: their first lines, and all of them as UTF-8."""

import codecs
import io
from pathlib import Path
from typing import IO, cast

from mlspec.diagnostics import StepError

HEAD_BYTES = 4 * 1024 * 1024
ENGINE_READS = ("", ".gz", ".zst")  # what the data engine decompresses by itself


def head(path: Path, encoding: str, most: int) -> tuple[list[str], bool]:
    """The first complete lines of a file, and whether these are all.

    Raises OSError where it can't be read and ValueError where it is no text in this encoding.
    """
    wide = _is_wide(encoding)
    data, whole = _beginning(path, most, lines=not wide)
    if not wide and b"\0" in data:
        raise ValueError("this is not text: it has zero bytes")
    try:
        decoder = codecs.getincrementaldecoder("utf-8-sig" if _is_utf8(encoding) else encoding)()
        text = decoder.decode(data, final=whole or not wide)
    except LookupError:
        raise ValueError(f"there is no encoding '{encoding}'") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        way = "; say its `encoding` (latin-1, cp1252, utf-16)" if _is_utf8(encoding) else ""
        name = "UTF-8" if _is_utf8(encoding) else encoding
        raise ValueError(f"not {name} text: line {line}{way}") from None
    lines = text.splitlines(keepends=True)
    if wide and not whole:
        lines = lines[:-1]
    return lines, whole


def is_plain(path: Path, encoding: str) -> bool:
    """Whether the data engine reads such a file by itself."""
    return _is_utf8(encoding) and _packing(path) in ENGINE_READS


def decoded(path: Path, encoding: str) -> io.BytesIO:
    """The whole file as UTF-8, in memory. Raises StepError where it is no text in this encoding."""
    try:
        with opened(path) as stream:
            data = stream.read()
        return io.BytesIO(data.decode("utf-8-sig" if _is_utf8(encoding) else encoding).encode())
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StepError(f"{path.name} is not {encoding} text: line {line}") from None
    except EOFError:
        raise StepError(f"{path.name} ends before it is complete") from None


def opened(path: Path) -> IO[bytes]:
    """A file's bytes, decompressed as its ending says."""
    packing = _packing(path)
    if packing == ".gz":
        import gzip

        # Lines are cut by the buffer, which is much faster at it than the file below.
        return io.BufferedReader(cast(io.RawIOBase, gzip.open(path, "rb")))
    if packing == ".bz2":
        import bz2

        return bz2.open(path, "rb")
    if packing == ".xz":
        import lzma

        return lzma.open(path, "rb")
    return path.open("rb")


def _beginning(path: Path, most: int, *, lines: bool) -> tuple[bytes, bool]:
    """The first lines' bytes, or the first bytes where lines can't be told from them, and whether these are all."""
    if _packing(path) == ".zst":
        return _zstandard(path, most)
    taken: list[bytes] = []
    size = 0
    with opened(path) as stream:
        try:
            if not lines:
                data = stream.read(HEAD_BYTES)
                return data, not stream.read(1)
            for line in stream:
                taken.append(line)
                size += len(line)
                if len(taken) > most or size >= HEAD_BYTES:
                    return b"".join(taken), False
        except (OSError, EOFError, ValueError) as error:
            if getattr(error, "errno", None) is not None:
                raise
            kind = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}.get(_packing(path), "text")
            raise ValueError(f"not a {kind} file: {error}") from None
        except Exception as error:
            # lzma and zlib have errors of their own.
            raise ValueError(f"not a {_packing(path).lstrip('.')} file: {error}") from None
    return b"".join(taken), True


def _zstandard(path: Path, most: int) -> tuple[bytes, bool]:
    """Python learns to read this with 3.14; until then the data engine does, a line a row."""
    import polars as pl

    with path.open("rb"):
        pass
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
    return "".join(f"{line or ''}\n" for line in lines[: most + 1]).encode(), len(lines) <= most


def _packing(path: Path) -> str:
    return path.suffix.lower() if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zst") else ""


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii")


def _is_wide(encoding: str) -> bool:
    """Whether a line end is more than one byte."""
    return encoding.lower().replace("-", "").replace("_", "").startswith(("utf16", "utf32"))
