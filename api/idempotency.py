"""Idempotency keys: a POST that is sent again by the same caller is the same POST."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import orjson
from pydantic import BaseModel
from starlette.requests import Request

from speech.errors import FieldProblem, InvalidRequest, Unavailable
from storage.idempotency_keys import IdempotencyKeys, KeyUse

HEADER = "Idempotency-Key"
MAX_KEY = 255
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY}}}")


@asynccontextmanager
async def sent_once(
    request: Request, wanted: BaseModel | bytes, *, keys: IdempotencyKeys, caller: str
) -> AsyncIterator[bool]:
    """Whether this request was carried out before; raises InvalidRequest when the caller's key came with another.

    Who comes while the first one is carried out does as that one does. When the block fails nothing was carried out:
    a key that came for the first time is free again.
    """
    key = request.headers.get(HEADER)
    if key is None:
        yield False
        return
    if not _KEY.fullmatch(key):
        raise _refused(f"must be 1 to {MAX_KEY} visible ASCII characters", limit=[1, MAX_KEY])
    fields = wanted if isinstance(wanted, bytes) else _fields(wanted)
    use = await keys.use(key, caller=caller, request=fields)
    if use is KeyUse.OTHER:
        raise _refused("came with another request within the last 24 hours: use a new one", limit=None)
    try:
        yield use is KeyUse.AGAIN
    except BaseException:
        if use is KeyUse.FIRST:
            with suppress(Unavailable):
                await keys.release(key, caller=caller, request=fields)
        raise
    if use is not KeyUse.AGAIN:
        # Unconfirmed it is carried out once more, which joins what is there.
        with suppress(Unavailable):
            await keys.confirm(key, caller=caller, request=fields)


def _fields(wanted: BaseModel) -> bytes:
    # Their order makes no other request.
    return orjson.dumps(wanted.model_dump(), option=orjson.OPT_SORT_KEYS)


def _refused(message: str, *, limit: list[int] | None) -> InvalidRequest:
    return InvalidRequest([FieldProblem(field=HEADER, message=message, limit=limit)])
