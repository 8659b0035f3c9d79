"""What lies in the bucket, page by page, and how it goes: for whoever looks after all of it, not after one name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from storage.bucket import UPLOAD_SECONDS, Bucket, error_code

_PAGE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """An object as a listing tells it; `changed` in Unix seconds by the server's clock."""

    key: str
    size: int
    changed: float


class S3Holdings:
    """Lists and removes. Raises Unavailable; a listing may take its time, anything else not."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def page(self, prefix: str, *, after: str = "", limit: int) -> list[Held]:
        """Up to `limit` objects in the order of their keys, behind a key; none when there are no more."""
        return await self._bucket.call(lambda: self._page(prefix, after, limit), seconds=UPLOAD_SECONDS)

    async def walk(self, prefix: str) -> AsyncIterator[Held]:
        """All objects with this prefix."""
        after = ""
        while entries := await self.page(prefix, after=after, limit=_PAGE):
            for entry in entries:
                yield entry
            if len(entries) < _PAGE:
                return
            after = entries[-1].key

    async def has(self, key: str) -> bool:
        """Whether there is such an object."""
        return await self._bucket.call(lambda: self._has(key))

    async def remove(self, key: str) -> None:
        """Removes an object; it may be gone already."""
        await self._bucket.call(lambda: self._bucket.quick.delete_object(Bucket=self._bucket.name, Key=key))

    async def close(self) -> None:
        """Ends the threads and the connections."""
        await self._bucket.close()

    def _page(self, prefix: str, after: str, limit: int) -> list[Held]:
        answer = self._bucket.patient.list_objects_v2(
            Bucket=self._bucket.name, Prefix=prefix, StartAfter=after, MaxKeys=limit
        )
        return [
            Held(key=entry["Key"], size=entry["Size"], changed=entry["LastModified"].timestamp())
            for entry in answer.get("Contents", ())
        ]

    def _has(self, key: str) -> bool:
        try:
            self._bucket.quick.head_object(Bucket=self._bucket.name, Key=key)
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey", "NotFound"):
                return False
            raise
        return True
