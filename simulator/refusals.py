"""What the server says no to."""

from __future__ import annotations


class BadEvent(Exception):
    """A client event that is answered by an error event; the session stays open."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "invalid_value",
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code, self.param, self.kind = code, param, kind
