"""The room's edge: where a codec library's error becomes one of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from speech.errors import AudioUnusable


@contextmanager
def translated(detail: str, *, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Raises AudioUnusable with this detail for the library's `errors`; a full disk and the like pass as they are."""
    try:
        yield
    except errors as error:
        raise AudioUnusable(detail) from error
