"""The shared store, as the driver uses it for nodes that share no folder with it (``apart.py``): inputs are put there,
results brought, and what steps print there is written to their logs here."""

from msgspec.structs import replace

from mlspec.engine.apart import LARGEST_LOG, Printed
from mlspec.engine.backend import Ending, Failed, Finished, Setting, Task, UnusableError
from mlspec.engine.reports import checked
from mlspec.store.errors import DamagedError
from mlspec.store.shared import Shared
from mlspec.store.store import Store


class Handover:
    """Raises UnusableError where a run uses no shared store."""

    def __init__(self, setting: Setting, store: Store) -> None:
        if setting.shared is None:
            message = "nodes without a shared folder get inputs through the shared store, and this run uses none"
            raise UnusableError(message, "shared_folder", "another backend can do it: --backend cpu")
        self._setting, self._store, self._place = setting, store, setting.shared
        self._shared = Shared(self._place, setting.encrypt)
        self._printed: set[str] = set()

    def put(self, task: Task) -> str:
        """Put the inputs of a step where its node finds them; why that is not possible, in words, empty where it is."""
        if self._shared.trouble:
            # It would not try again.
            self._shared = Shared(self._place, self._setting.encrypt)
        try:
            missing = [name for name, digest in task.inputs.items() if not self._shared.put(digest, self._store)]
        except DamagedError as error:
            return f"its input {error.digest[:12]} is damaged"
        return f"its input '{missing[0]}' can't be handed over: {self._shared.trouble}" if missing else ""

    def ended(self, task: Task, ending: Ending) -> Ending:
        """An ending with its result, which is now here too."""
        self._printed.discard(task.step)
        log = self._setting.logs / f"{task.step}.log"
        if isinstance(ending, Failed):
            return replace(ending, step=task.step, log=str(log) if log.exists() else None)
        if not isinstance(ending, Finished):
            return replace(ending, step=task.step)
        found = self._shared.fetch(task.fingerprint, self._store)
        if found is None:
            why = self._shared.trouble or "the shared store has it not, or damaged"
            return Failed(task.step, f"its result could not be brought: {why}", str(log) if log.exists() else None)
        return checked(task, replace(ending, action=found))

    def print(self, task: Task, printed: Printed) -> None:
        """What a step has printed, once, goes to its log."""
        if task.step in self._printed:
            return
        self._printed.add(task.step)
        self._setting.logs.mkdir(parents=True, exist_ok=True)
        with (self._setting.logs / f"{task.step}.log").open("a", encoding="utf-8") as log:
            log.write(printed.text[-LARGEST_LOG:])
