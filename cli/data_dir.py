"""RECITE_DATA_DIR: where everything embedded writes, readable by its owner only, used by one `recite up` at a time."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cli.failure import Failure


@dataclass(frozen=True, slots=True)
class DataDir:
    """The absolute path of the directory; files in it are 0600, directories 0700."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Makes the directory when it is missing; raises Failure when that can't be done."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            home = cls(path.resolve())
            for name in ("logs", "redis", "s3", "run"):
                home.child(name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Failure(f"RECITE_DATA_DIR {path} can't be used: {error.strerror}; set it to a directory") from None
        return home

    def child(self, name: str) -> Path:
        """A path inside."""
        return self.path / name

    def log(self, program: str) -> Path:
        """The log of a supervised program."""
        return self.path / "logs" / f"{program}.log"

    def write(self, name: str, text: str) -> Path:
        """Writes a file whole, for its owner only."""
        target, draft = self.child(name), self.child(f"{name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(target)
        return target

    def lock(self) -> int:
        """Takes the directory for this process and what it execs, until the descriptor closes; else raises Failure."""
        descriptor = os.open(self.child("lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 16).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise Failure(
                f"another recite up (process {pid}) runs on {self.path}: stop it, or set another RECITE_DATA_DIR"
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        os.set_inheritable(descriptor, True)
        return descriptor
