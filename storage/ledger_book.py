"""The ledger in the bucket: each account's newest figures, under a key that is written once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from speech.errors import Unavailable, UnknownJob
from storage.bucket import Bucket
from storage.small_objects import SmallObjects

_STAMP_DIGITS = 16
# Whoever reads may come just when the newest one takes another's place.
_LOOKS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An account's figures as they stood at a moment in microseconds; 0 and none for one that was never kept."""

    stamp: int = 0
    figures: Mapping[str, int]


class S3LedgerBook:
    """Pages by account; the newest counts. Raises Unavailable."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._objects = SmallObjects(bucket)

    async def newest(self, account: str) -> Page:
        """The account as it was last kept; older pages that were left behind go."""
        for _ in range(_LOOKS):
            keys = await self._objects.keys(_prefix(account))
            if not keys:
                return Page(figures={})
            try:
                newest = keys[-1]
                body = await self._objects.get(newest)
            except UnknownJob:
                continue
            for key in keys[:-1]:
                await self._objects.remove([key])
            stamp = newest.rpartition("/")[2].removesuffix(".json")
            return Page(stamp=int(stamp), figures=json.loads(body))
        raise Unavailable("bucket")

    async def keep(self, account: str, page: Page) -> None:
        """Puts a page."""
        await self._bucket.call(
            lambda: self._bucket.quick.put_object(
                Bucket=self._bucket.name,
                Key=_key(account, page.stamp),
                Body=json.dumps(dict(page.figures)).encode(),
                ContentType="application/json",
                CacheControl="no-store",
            )
        )

    async def remove(self, account: str, *, stamp: int) -> None:
        """Removes a page that a newer one replaces; it may be gone already."""
        await self._objects.remove([_key(account, stamp)])


def _prefix(account: str) -> str:
    return f"ledger/{account}/"


def _key(account: str, stamp: int) -> str:
    return f"{_prefix(account)}{stamp:0{_STAMP_DIGITS}d}.json"
