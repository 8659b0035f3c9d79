"""What a purge is asked for, and what each of its steps answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.purging import Step, Wanted
from front.refusals import refuse
from speech.ages import FORM, parse_age
from speech.errors import FieldProblem, InvalidRequest
from speech.voices import resolve_voice

_CRITERIA = ("voice", "prefix", "older_than", "client_id", "leftovers")
_CURSOR = r"^(cards|audio|masters)/[a-z0-9.|/-]{0,400}$"


class PurgeRequest(BaseModel):
    """The body of `POST /v1/purge`: what is named narrows it down, and something must be named."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"voice": "ara", "older_than": "90d", "dry_run": True}]}
    )

    voice: str | None = Field(None, description="Audio in this voice.")
    prefix: str | None = Field(
        None, pattern="^[a-z0-9][a-z0-9.-]{0,63}$", description="Audio whose name begins so, such as `ara-3f`."
    )
    older_than: str | None = Field(None, description=f"Audio that was made longer ago: {FORM}.")
    client_id: str | None = Field(None, description="The private client's own audio.")
    leftovers: bool = Field(False, description="Nothing but what no name leads to any more, and is a day old.")
    dry_run: bool = Field(False, description="Count, and remove nothing.")
    cursor: str | None = Field(None, pattern=_CURSOR, description="The last answer's `next_cursor`.")

    @classmethod
    def read(cls, body: bytes) -> PurgeRequest:
        """Reads a JSON body; raises MalformedBody or InvalidRequest with every field that is wrong."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example='{"voice": "ara", "dry_run": true}')

    def wanted(self, *, now: float, owners: frozenset[str] | None) -> Wanted:
        """What is to go; raises InvalidRequest."""
        if not any(getattr(self, name) for name in _CRITERIA):
            raise _wrong("voice", f"name at least one of {', '.join(_CRITERIA)}: nothing would be left")
        return Wanted(prefix=self._prefix(), before=self._before(now), owners=owners, leftovers=self.leftovers)

    def _before(self, now: float) -> float | None:
        if self.older_than is None:
            return None
        try:
            return now - parse_age(self.older_than)
        except ValueError as error:
            raise _wrong("older_than", str(error)) from None

    def _prefix(self) -> str:
        voice = f"{resolve_voice(self.voice)}-" if self.voice else ""
        prefix = self.prefix or ""
        if not (prefix.startswith(voice) or voice.startswith(prefix)):
            raise _wrong("prefix", "no name in this voice begins so")
        return max(voice, prefix, key=len)


class Gone(BaseModel):
    """Finished audio, masters, and the bytes of both."""

    audio: int
    masters: int
    bytes: int


class PurgeView(BaseModel):
    """One step; go on with `next_cursor` until there is none. `busy` was being rendered, and stays."""

    dry_run: bool
    examined: int
    removed: Gone
    busy: int
    next_cursor: str | None


def purge_document(step: Step, *, is_dry: bool) -> dict[str, Any]:
    """A step as it is answered."""
    freed = step.freed
    return {
        "dry_run": is_dry,
        "examined": step.examined,
        "removed": {"audio": freed.audio, "masters": freed.masters, "bytes": freed.size},
        "busy": step.busy,
        "next_cursor": step.next,
    }


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldProblem(field=field, message=message)])
