"""Files that are not what their name says: pointers in place of data, other formats, pages of a web server."""

STARTS = (
    (b"version https://git-lfs.github.com/spec/", "it is a Git LFS pointer, not the data: run `git lfs pull`"),
    (b"\x1f\x8b", "it is compressed with gzip: rename it to end in .gz"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd: rename it to end in .zst"),
    (b"\xfd7zXZ\0", "it is compressed with xz: rename it to end in .xz"),
    (b"BZh91AY&SY", "it is compressed with bzip2: rename it to end in .bz2"),
    (b"PK\x03\x04", "it is a zip archive: unpack it"),
    (b"PAR1", "it is a Parquet file: rename it to end in .parquet, or state `format: parquet`"),
    (b"ARROW1", "it is an Arrow file: rename it to end in .arrow, or state `format: arrow`"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook: rename it to end in .xls"),
)
WORKBOOKS = (b"[Content_Types].xml", b"_rels/.rels", b"docProps/", b"xl/")  # files that one begins with
PAGES = (b"<!doctype html", b"<html")
PACKED = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\0"}
LONGEST = 512  # bytes of a beginning that are looked at


def disguise(start: bytes, packing: str = "") -> str:
    """What the first bytes of a file show it to be, and what to do; empty where nothing is wrong with them.

    ``packing``: the ending that says how it is compressed, "" where it does not.
    """
    if packing and start.startswith(PACKED.get(packing, start)):
        return ""
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PAGES):
        return "it is a web page, not the data: does the address need a login, or lead to a page about the data?"
    if start.startswith(b"PK\x03\x04") and any(name in start for name in WORKBOOKS):
        return "it is an Excel workbook: rename it to end in .xlsx, or state `format: excel`"
    text = next((text for sign, text in STARTS if start.startswith(sign)), "")
    return text or (f"it is not compressed, although its name ends in {packing}: rename it" if packing else "")


def text(start: bytes) -> str:
    """What text in place of another format is, and what to do; empty for what is no text."""
    try:
        first = start[: start.rfind(b"\n") + 1 or None].decode().lstrip()
    except UnicodeDecodeError:
        return ""
    if not first or not all(sign.isprintable() or sign.isspace() for sign in first):
        return ""
    ending = {"[": ".json", "{": ".jsonl"}.get(first[0], ".csv")
    return f"it is text: rename it to end in {ending}"
