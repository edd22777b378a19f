"""Files at an address -> files here: https:// with the standard library, object stores with obstore."""

import shutil
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from mlspec.diagnostics import StepError
from mlspec.plugins.source import Fetched

WAIT = 60.0
STORES = ("s3", "gs", "az", "abfs")


def file(address: str, folder: Path, mark: str) -> Fetched | None:
    """The file at an address, as one in ``folder``; None where it is the one that ``mark`` names.

    Raises OSError if it is unavailable, StepError where nothing here can fetch it.
    """
    scheme = urlsplit(address).scheme.lower()
    if scheme in ("http", "https"):
        return _http(address, folder, mark)
    if scheme in STORES:
        return _object(address, folder, mark)
    raise StepError(f"'{scheme}://' addresses cannot be fetched, only https, {', '.join(STORES)}")


def _name(address: str) -> str:
    return Path(urlsplit(address).path).name or "file"


def _http(address: str, folder: Path, mark: str) -> Fetched | None:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(address, headers={"User-Agent": "mlspec", "Accept-Encoding": "identity"})
    if mark:
        request.add_header("If-None-Match", mark)
    target = folder / _name(address)
    try:
        with urllib.request.urlopen(request, timeout=WAIT) as answer, target.open("wb") as out:
            shutil.copyfileobj(answer, out, 1 << 20)
            promised = answer.headers.get("Content-Length")
            tag, changed = answer.headers.get("ETag") or "", answer.headers.get("Last-Modified")
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return None
        raise OSError(f"the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise OSError(str(getattr(error.reason, "strerror", None) or error.reason)) from None
    size = target.stat().st_size
    if promised is not None and size != int(promised):
        raise OSError(f"the server stopped after {size:,} of {int(promised):,} bytes")
    when = None if changed is None else parsedate_to_datetime(changed).timestamp()
    return Fetched(path=target, format="", changed=when, mark=tag if not tag.startswith("W/") else "")


def _object(address: str, folder: Path, mark: str) -> Fetched | None:
    """An object of a store; settings and credentials come from the environment, as the stores' own tools read them."""
    try:
        import obstore
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise StepError("object stores need the package obstore: pip install 'mlspec-compiler[stores]'") from None
    base, _, key = address.rpartition("/")
    target = folder / _name(address)
    try:
        # Retries are made above, where they are reported and bounded.
        store = from_url(base, client_options={"allow_http": True}, retry_config={"max_retries": 0})
        about = obstore.head(store, key)
        tag = about.get("e_tag") or ""
        if mark and tag == mark:
            return None
        size = 0
        with target.open("wb") as out:
            for chunk in obstore.get(store, key).stream(min_chunk_size=1 << 20):
                size += out.write(memoryview(chunk))
    except (BaseError, ValueError) as error:
        raise OSError(" ".join(str(error).split("\n")[0].split())) from None
    if size != about["size"]:
        raise OSError(f"the store stopped after {size:,} of {about['size']:,} bytes")
    return Fetched(path=target, format="", changed=about["last_modified"].timestamp(), mark=tag)
