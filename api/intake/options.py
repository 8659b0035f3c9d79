"""What a batch has beside its lines: by the query, or as members of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Json, ValidationError

from api.schemas import CLIENT_ID, Metadata
from audio.codecs import resolve_rendition
from front.refusals import refuse
from front.webhook_urls import MAX_URL, check_form
from speech.voices import resolve_voice

WebhookUrl = Annotated[str, Field(max_length=MAX_URL), AfterValidator(check_form)]


class Members(BaseModel):
    """What JSON may have beside `lines`; comes before what the query says."""

    model_config = ConfigDict(strict=True, extra="forbid")

    webhook_url: WebhookUrl | None = None
    metadata: Metadata | None = None

    @classmethod
    def read(cls, members: Mapping[str, object]) -> Members:
        """Raises InvalidRequest with all that is wrong."""
        try:
            return cls.model_validate(members)
        except ValidationError as error:
            refuse(error, known=["lines", *cls.model_fields], example='{"lines": [{"text": "Hello"}]}')


class BatchQuery(BaseModel):
    """The query of `POST /v1/batches`."""

    client_id: str | None = Field(None, pattern=CLIENT_ID, description="Who asks and pays, for all lines.")
    voice: str | None = Field(None, description="For lines that name none.")
    format: str | None = Field(None, description="For lines that name none.")
    webhook_url: WebhookUrl | None = Field(None, description="Where you want to be told when the batch has ended.")
    metadata: Json[Metadata] | None = Field(None, description="Yours, as JSON; the batch's answers show it.")
    dry_run: bool = Field(False, description="Checks everything and says what it would take; nothing is begun.")
    skip_invalid: bool = Field(False, description="Leaves bad lines out, instead of refusing all.")

    def check(self) -> None:
        """Raises InvalidRequest for what would be wrong in each line."""
        if self.voice is not None:
            resolve_voice(self.voice)
        if self.format is not None:
            resolve_rendition(self.format)
