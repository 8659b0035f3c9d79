"""The folder that a batch is fetched into: its audio files, and a journal of what is there for the next run."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO, Any

from cli.failure import Failure

_JOURNAL = ".recite-batch.jsonl"


class Place:
    """An open folder, of one process at a time. Files appear whole or not at all; any thread may save one."""

    def __init__(self, folder: Path, journal: IO[str]) -> None:
        self.folder = folder
        self._journal = journal
        self._lock = Lock()
        self._begun: dict[str, str] = {}
        self._saved: dict[str, str] = {}
        for entry in _entries(journal):
            if "batch" in entry:
                self._begun = entry
            elif "file" in entry and "id" in entry:
                self._saved[entry["file"]] = entry["id"]

    def batch_of(self, order: str) -> str | None:
        """The id of the batch that was begun here for this order, which is any text that names it."""
        return self._begun["batch"] if self._begun.get("order") == order else None

    def begin(self, batch: str, *, order: str) -> None:
        """From now on the folder belongs to this batch; files that are there stay."""
        self._begun = {"batch": batch, "order": order}
        self._note(self._begun)

    def has(self, name: str, *, id: str) -> bool:
        """Whether a file with the audio of this job is there."""
        return self._saved.get(name) == id and (self.folder / name).is_file()

    def save(self, name: str, *, id: str, write: Callable[[IO[bytes]], object]) -> None:
        """A file of what `write` writes; raises Failure when it can't be kept."""
        file = self.folder / name
        draft = file.with_name(f".{name}.part")
        try:
            with draft.open("wb") as opened:
                write(opened)
            draft.replace(file)
            self._note({"file": name, "id": id})
        except OSError as error:
            raise Failure(f"{file} can't be written: {error.strerror}") from None
        finally:
            draft.unlink(missing_ok=True)
        self._saved[name] = id

    def _note(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self._journal.write(json.dumps(entry) + "\n")
            self._journal.flush()


@contextmanager
def opened_place(folder: Path) -> Iterator[Place]:
    """The folder, made when it is missing; raises Failure when it can't be written, or somebody else writes there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        journal = (folder / _JOURNAL).open("a+", encoding="utf-8")
    except OSError as error:
        raise Failure(f"{folder} can't be written: {error.strerror}") from None
    with journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another recite batch writes into {folder}: wait for it, or name another folder") from None
        yield Place(folder, journal)


def _entries(journal: IO[str]) -> Iterator[dict[str, Any]]:
    """What earlier runs noted; half a line of one that was killed is left out, and ended."""
    journal.seek(0)
    line = "\n"
    for line in journal:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
    if not line.endswith("\n"):
        journal.write("\n")
