"""The process in which a model from elsewhere is loaded and answers; ``isolated`` starts it and is who it talks to."""

import io
import os
import queue
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import polars as pl

from mlspec.diagnostics import StepError
from mlspec.machine import child_process, confined, landlock, resources
from mlspec.steps.serving.isolated import ANSWERING, BY_ROW, LOADING, SEEN, Asked, Replied
from mlspec.steps.serving.package import Package

MEMORY, BY_CORE, BY_BYTE = 8 << 30, 64 << 20, 16  # what it may take: in all, for each core, for each byte of the model
LOOKS = 1.0  # seconds between two looks whether who started it is still there


def main() -> None:
    """Load the model, then answer until the input ends."""
    folder, device, parent = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    requests, replies = child_process.pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started it
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    _limit(folder, device)
    try:
        from mlspec.steps.serving import package

        loaded = package.load(folder, device)
    except BaseException as error:
        _send(replies, _refusal(error))
        return
    _send(replies, Replied())
    waiting: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    while True:
        try:
            _answer(loaded, *waiting.get(), replies)
        except StepError as error:
            _send(replies, Replied(wrong=str(error), mine=True))
        except BaseException as error:
            _send(replies, _refusal(error))


def _answer(loaded: "Package", what: str, data: bytes, replies: IO[bytes]) -> None:
    if what == "few":
        few = msgspec.msgpack.decode(data)
        confined.more_cpu(int((ANSWERING + BY_ROW * len(few)) * resources.cores()))
        names = [name for name, _kind in loaded.about.raw_columns()]
        answer = loaded.predict_few([dict(zip(names, row, strict=True)) for row in few])
        if answer is None:
            _send(replies, Replied())
        else:
            _send_array(replies, answer)
        return
    rows = pl.read_ipc(io.BytesIO(data))
    # Whoever asks ends what takes too long; where they have ended, the kernel does.
    confined.more_cpu(int((ANSWERING + BY_ROW * rows.height) * resources.cores()))
    if what == "treat":
        names = [name for name, _kind, _treatment in loaded.about.treatments or ()]
        _send_table(replies, loaded.treat(rows).select(names))
        return
    if what == "seen":
        known = loaded.seen()
        levels = [None if seen.levels is None else sorted(seen.levels) for seen in known.values()]
        columns = {"name": list(known), "levels": levels, "complete": [seen.complete for seen in known.values()]}
        _send_table(replies, pl.DataFrame(columns, SEEN))
        return
    found = loaded.truth(rows) if what == "truth" else _predicted(loaded, rows)
    _send_array(replies, found)


def _predicted(loaded: "Package", rows: "pl.DataFrame") -> Any:
    count = loaded.together(rows.schema)
    return np.concatenate([loaded.predict(rows.slice(at, count)) for at in range(0, max(1, rows.height), count)])


def _refusal(error: BaseException) -> Replied:
    text = str(error) if isinstance(error, StepError) else f"{type(error).__name__}: {error}"
    file = str(getattr(error, "file", ""))
    return Replied(wrong=" ".join(text.split())[:1000], file=file, unexpected=not isinstance(error, StepError))


def _send_array(replies: IO[bytes], found: Any) -> None:
    array = np.ascontiguousarray(found)
    _send(replies, Replied(dtype=str(array.dtype), shape=array.shape, bytes=array.nbytes), array.tobytes())


def _send_table(replies: IO[bytes], table: "pl.DataFrame") -> None:
    made = io.BytesIO()
    table.write_ipc(made)
    _send(replies, Replied(bytes=made.tell()), made.getbuffer())


def _send(replies: IO[bytes], reply: Replied, data: "bytes | memoryview" = b"") -> None:
    replies.write(msgspec.json.encode(reply) + b"\n")
    replies.write(data)
    replies.flush()


def _limit(folder: Path, device: str) -> None:
    """What it may take of memory, and do: nothing but read, where the kernel has Landlock. A GPU's driver reserves more
    than any limit allows, and works through files of its own."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    confined.more_cpu(int(LOADING) * resources.cores())
    if device == "cpu":
        landlock.confine(read=("/",), write=("/dev/null",))
        size = sum(file.stat().st_size for file in folder.rglob("*"))
        most = MEMORY + BY_CORE * resources.cores() + BY_BYTE * size
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))


def _listen(requests: IO[bytes], waiting: "queue.SimpleQueue[tuple[str, bytes]]") -> None:
    decoder = msgspec.json.Decoder(Asked)
    for line in requests:
        asked = decoder.decode(line)
        waiting.put((asked.what, requests.read(asked.bytes)))
    os._exit(0)


def _watch(parent: int) -> None:
    # The kernel would end this process with the thread that has started it, which may end before the process does.
    while os.getppid() == parent:
        time.sleep(LOOKS)
    os._exit(1)


if __name__ == "__main__":
    main()
