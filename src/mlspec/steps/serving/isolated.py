"""A model from a folder that may come from anybody: it is loaded, and answers, in a process of its own.

What reads a saved model is native code, which a damaged file can crash, or have take all memory. There it costs that
process alone, and ends in a PackageError. It is handed a copy of the folder's files, each byte of which was checked.
"""

import contextlib
import io
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import polars as pl

from mlspec.diagnostics import StepError, printable
from mlspec.machine import child_process, json_values
from mlspec.steps.serving.package import LoadedModel, Seen
from mlspec.steps.serving.package_format import PackageError, read_about, verify

Array = np.ndarray[Any, Any]

LOADING, ANSWERING, BY_ROW = 300.0, 60.0, 0.05  # seconds that loading may take, and a request, and each row of it
PIECE, TREATED = 64 << 20, 4 << 30  # bytes of rows that are sent at once, and that come back from it
READ = 1 << 20
LARGEST_HEADER = 1 << 16
SEEN = pl.Schema({"name": pl.String(), "levels": pl.List(pl.String()), "complete": pl.Boolean()})
ALL_SEEN = 256 << 20  # bytes
SENT = frozenset({str, int, float, bool, type(None)})  # cells that are sent as they are


class Asked(msgspec.Struct, frozen=True):
    """What the process is to do with rows, which follow as so many bytes of Arrow."""

    what: str
    bytes: int


class Replied(msgspec.Struct, frozen=True, kw_only=True):
    """What it says: ready, an array or rows that follow as so many bytes, or why not. ``mine``: the rows are at fault,
    not the package; ``file``: what in the package is; ``unexpected``: a library raised something, which may be for
    either."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    bytes: int = 0
    wrong: str = ""
    mine: bool = False
    file: str = ""
    unexpected: bool = False


class Isolated(LoadedModel):
    """A model that answers from another process. One request after the other, from whatever thread."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        super().__init__(read_about(folder))
        self._folder, self._pid, self._lock = folder, os.getpid(), threading.Lock()
        self._rest = b""
        self._seen: dict[str, Seen] | None = None
        home = Path(tempfile.mkdtemp(prefix="mlspec-model-"))
        try:
            verify(folder, self.about, home)
            self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (_end closes it)
            self._process = subprocess.Popen(
                child_process.command("mlspec.steps.serving.isolated_worker", str(home), device, str(self._pid)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                start_new_session=True,
            )
            weakref.finalize(self, _end, self._process, self._printed, self._pid)
            self._reply("loads", time.monotonic() + LOADING, home)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    @property
    def process(self) -> int:
        """The number of the process that answers."""
        return self._process.pid

    def predict(self, frame: "pl.DataFrame") -> "Array":
        """As every loaded model does."""
        return np.concatenate([self._array("predict", piece) for piece in self._pieces(frame)])

    def predict_few(self, rows: Sequence[Mapping[str, Any]]) -> "Array | None":
        """As every loaded model does."""
        names = [name for name, _kind in self.about.raw_columns()]
        try:
            if not all(type(row[name]) in SENT for row in rows for name in names):
                return None
            sent = msgspec.msgpack.encode([[row[name] for name in names] for row in rows])
        except (KeyError, ValueError, OverflowError):
            return None
        reply, data = self._exchange("few", sent, len(rows))
        return None if not reply.dtype else self._numbers(reply, data, len(rows))

    def truth(self, frame: "pl.DataFrame") -> "Array":
        """As every loaded model does."""
        return np.concatenate([self._array("truth", piece) for piece in self._pieces(frame)])

    def treat(self, frame: "pl.DataFrame") -> "pl.DataFrame":
        """As every loaded model does."""
        if not self.about.treatments:
            return frame
        treated = pl.concat(pl.read_ipc(io.BytesIO(self._ask("treat", piece)[1])) for piece in self._pieces(frame))
        return frame.with_columns(treated)

    def seen(self) -> dict[str, Seen]:
        """As every loaded model does."""
        if self._seen is None:
            found = pl.read_ipc(io.BytesIO(self._ask("seen", pl.DataFrame())[1]))
            if found.schema != SEEN:
                raise self._wrong("answers something else than what its columns had")
            self._seen = {
                name: Seen(None if levels is None else frozenset(levels), complete)
                for name, levels, complete in found.rows()
            }
        return self._seen

    def _pieces(self, frame: "pl.DataFrame") -> "list[pl.DataFrame]":
        """The columns that the model knows, some rows at a time."""
        read = (*self.about.columns, *self.about.reads(), *self.about.raw_columns(), (self.about.target, ""))
        known = {name for name, _kind in read}
        frame = frame.select([name for name in frame.columns if name in known])
        count = max(1, frame.height // (1 + int(frame.estimated_size()) // PIECE))
        return [frame.slice(at, count) for at in range(0, max(1, frame.height), count)]

    def _array(self, what: str, rows: "pl.DataFrame") -> "Array":
        reply, data = self._ask(what, rows)
        return self._numbers(reply, data, rows.height, is_truth=what == "truth")

    def _numbers(self, reply: Replied, data: bytes, height: int, *, is_truth: bool = False) -> "Array":
        count = 0 if self.about.classes is None else len(self.about.classes)
        wanted = (height, count) if count and not is_truth else (height,)
        if reply.shape != wanted or reply.dtype not in ("float64", "int64"):
            raise self._wrong("answers something else than predictions")
        return np.frombuffer(data, dtype=reply.dtype).reshape(wanted)

    def _ask(self, what: str, rows: "pl.DataFrame") -> tuple[Replied, bytes]:
        sent = io.BytesIO()
        rows.write_ipc(sent)
        return self._exchange(what, sent.getbuffer(), rows.height)

    def _exchange(self, what: str, sent: "bytes | memoryview", height: int) -> tuple[Replied, bytes]:
        if os.getpid() != self._pid:
            raise StepError("a model is loaded in the process that uses it: this one is a copy of that process")
        assert self._process.stdin is not None
        answer = 8 * height * max(1, len(self.about.classes or ()))
        most = {"treat": TREATED, "seen": ALL_SEEN}.get(what, answer)
        with self._lock:
            try:
                # If it has died, reading from it fails.
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.write(msgspec.json.encode(Asked(what, len(sent))) + b"\n")
                    self._process.stdin.write(sent)
                    self._process.stdin.flush()
                until = time.monotonic() + ANSWERING + BY_ROW * height
                return self._reply("predicts with", until, most=most)
            except StepError:
                raise
            except BaseException:
                # Interrupted: its reply would be taken for that to the next request.
                self._process.kill()
                raise

    def _reply(self, doing: str, until: float, home: Path | None = None, most: int = 0) -> tuple[Replied, bytes]:
        """What it replies, with ``most`` bytes. Raises StepError where the rows are at fault, PackageError where the
        package is."""
        while b"\n" not in self._rest and len(self._rest) < LARGEST_HEADER:
            self._rest += self._read(doing, until)
        line, _, rest = self._rest.partition(b"\n")
        try:
            reply = json_values.decode(line, Replied)
        except ValueError:
            reply = Replied(bytes=most + 1)
        if reply.bytes > most:
            self._process.kill()
            raise self._wrong("answers something else than predictions")
        pieces, got = [rest], len(rest)
        while got < reply.bytes:
            pieces.append(self._read(doing, until))
            got += len(pieces[-1])
        data = b"".join(pieces)
        self._rest = data[reply.bytes :]
        if reply.mine:
            raise StepError(reply.wrong)
        if reply.unexpected:
            raise self._wrong(f"can't answer: {reply.wrong}", code="prediction-failed")
        if reply.wrong:
            # It knows the copy alone.
            there, text = Path(reply.file), reply.wrong
            if home is not None:
                text = text.replace(str(home), str(self._folder))
                there = self._folder / there.relative_to(home) if there.is_relative_to(home) else self._folder
            raise PackageError(text, there if reply.file else self._folder)
        return reply, data[: reply.bytes]

    def _read(self, doing: str, until: float) -> bytes:
        """Some bytes. Raises PackageError where it has died, or takes too long."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, until - time.monotonic())):
                self._process.kill()
                raise self._wrong(f"takes too long to answer: the process that {doing} it was ended")
        data = os.read(self._process.stdout.fileno(), READ)
        if data:
            return data
        code = self._process.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise self._wrong(f"is damaged: the process that {doing} it {how}")

    def _wrong(self, what: str, code: str = "package-damaged") -> PackageError:
        self._printed.seek(max(0, self._printed.seek(0, os.SEEK_END) - 4096))
        lines = self._printed.read().decode(errors="backslashreplace").split("\n")
        message = [printable(line) for line in lines if line.strip()][-1:]
        notes = tuple(f"the last that it printed: {line}" for line in message)
        return PackageError(f"the model in '{self._folder}' {what}", self._folder, code=code, notes=notes)


def _end(process: "subprocess.Popen[bytes]", printed: IO[bytes], pid: int) -> None:
    """End the process, where this is the one that has started it."""
    printed.close()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    if os.getpid() == pid:
        process.kill()
        process.wait()
