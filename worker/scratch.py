"""Where a worker process has its sound while it works: a folder that does not outlive it for long."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

_PREFIX = "recite-worker-"


class Scratch:
    """A new folder in `parent`, the system's temporary one by default; those that killed processes left there go.

    Who uses a folder holds a lock on it, which the system takes back from those who die.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        _remove_strays(parent)
        self.folder, self._lock = _made(parent)

    def remove(self) -> None:
        """Removes the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def _made(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        # Somebody who tidied up before it was locked may have removed it.
        with suppress(FileNotFoundError):
            lock = _opened(folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove_strays(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError), _unused(folder):
            shutil.rmtree(folder)
            log.info("removed what a killed worker left in %s", folder)


@contextmanager
def _unused(folder: Path) -> Iterator[None]:
    """Holds the lock meanwhile; raises OSError when somebody has it, or it is not ours to have."""
    lock = _opened(folder)
    try:
        if os.fstat(lock).st_uid != os.getuid():
            raise PermissionError
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
