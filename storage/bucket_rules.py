"""What the bucket does by itself: what expires there, and which pages may read from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from speech.errors import NoSuchRules
from storage.bucket import Bucket, error_code

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CORSRuleOutputTypeDef, LifecycleRuleOutputTypeDef

# Cards go first, by a day at least: servers round to midnight, which may fall between an object and its card.
_FIRST, _LATER = ("cards/",), ("audio/", "masters/", "uses/")
_LATER_BY = 2
_OURS = "recite-"
_NO_RULES = frozenset({"NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration"})
_CORS_SECONDS = 3600


class S3BucketRules:
    """Changes our own rules and leaves those of others as they are. Raises NoSuchRules or Unavailable.

    A server that knows nothing of rules may take a call for another one, such as to make or to remove the bucket: none
    is sent that would do harm then, and what was set is read back.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def expiry(self) -> int | None:
        """After how many days audio expires; None for never."""
        return _days_of(await self._bucket.call(self._lifecycle))

    async def expire(self, days: int | None) -> None:
        """Cards expire after so many days, and later what they name; None: never."""
        await self._bucket.call(lambda: self._expire(days))

    async def open_to_pages(self) -> None:
        """Pages may read what they have a signed address of.

        Pages of all origins: who is redirected here from the api has none that browsers would tell.
        """
        await self._bucket.call(self._open_to_pages)

    def _expire(self, days: int | None) -> None:
        others = [rule for rule in self._lifecycle() if not rule.get("ID", "").startswith(_OURS)]
        ours = [] if days is None else [*_rules(_FIRST, days), *_rules(_LATER, days + _LATER_BY)]
        if others or ours:
            self._put_lifecycle([*others, *ours])
        elif self._lifecycle():
            # It has shown rules: so this call means to it what it says.
            self._bucket.quick.delete_bucket_lifecycle(Bucket=self._bucket.name)
        if ours and _days_of(self._lifecycle()) != days:
            raise NoSuchRules

    def _put_lifecycle(self, rules: Sequence[LifecycleRuleOutputTypeDef]) -> None:
        try:
            self._bucket.quick.put_bucket_lifecycle_configuration(
                Bucket=self._bucket.name, LifecycleConfiguration={"Rules": rules}
            )
        except ClientError as error:
            raise _refusal(error) from error

    def _lifecycle(self) -> list[LifecycleRuleOutputTypeDef]:
        try:
            answer = self._bucket.quick.get_bucket_lifecycle_configuration(Bucket=self._bucket.name)
        except ClientError as error:
            if error_code(error) in _NO_RULES:
                return []
            raise _refusal(error) from error
        return list(answer.get("Rules", ()))

    def _open_to_pages(self) -> None:
        others = [rule for rule in self._cors() if not rule.get("ID", "").startswith(_OURS)]
        ours: CORSRuleOutputTypeDef = {
            "ID": f"{_OURS}pages",
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["Range"],
            "ExposeHeaders": ["ETag", "Content-Range", "Content-Length", "Accept-Ranges"],
            "MaxAgeSeconds": _CORS_SECONDS,
        }
        try:
            self._bucket.quick.put_bucket_cors(
                Bucket=self._bucket.name, CORSConfiguration={"CORSRules": [*others, ours]}
            )
        except ClientError as error:
            raise _refusal(error) from error
        if not self._cors():
            raise NoSuchRules

    def _cors(self) -> list[CORSRuleOutputTypeDef]:
        try:
            answer = self._bucket.quick.get_bucket_cors(Bucket=self._bucket.name)
        except ClientError as error:
            if error_code(error) in _NO_RULES:
                return []
            raise _refusal(error) from error
        return list(answer.get("CORSRules", ()))


def _rules(prefixes: Collection[str], days: int) -> list[LifecycleRuleOutputTypeDef]:
    return [
        {
            "ID": f"{_OURS}{prefix.rstrip('/')}",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            "Expiration": {"Days": days},
        }
        for prefix in prefixes
    ]


def _days_of(rules: Collection[LifecycleRuleOutputTypeDef]) -> int | None:
    ours = [rule for rule in rules if rule.get("ID") == f"{_OURS}cards"]
    return ours[0]["Expiration"].get("Days") if ours and "Expiration" in ours[0] else None


def _refusal(error: ClientError) -> Exception:
    """What a server says that knows nothing of rules: that it does not, or something about the bucket."""
    unknown = {"NotImplemented", "MethodNotAllowed", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "MalformedXML"}
    return NoSuchRules() if error_code(error) in unknown else error
