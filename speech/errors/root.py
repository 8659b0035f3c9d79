"""The root of all errors, and what it tells of itself."""

from __future__ import annotations

from typing import ClassVar


class ReciteError(Exception):
    """Root of the tree. `code` is stable, `status` is HTTP's; `retryable`: the same call may succeed later."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail or self.title)
        self.retry_after = retry_after

    @property
    def detail(self) -> str:
        """One sentence for the caller; never a key, a text, a path or upstream's raw words."""
        return str(self)
