"""What OpenAPI says of what is read by hand: bodies, and names, whose refusals have words and codes of their own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from api import idempotency
from api.intake.line import LineRequest
from api.intake.options import Members
from api.lookup_schemas import MAX_REQUESTS
from api.schemas import JobRequest
from api.speech_order import SpeechOrder
from speech.client import CLIENT_ID
from speech.recipe import JOB_NAME

JobId = Annotated[
    str,
    Path(
        description="The job's id, which is its audio's file name; its answer gave it",
        json_schema_extra={"pattern": f"^{JOB_NAME}$"},
    ),
]
ClientId = Annotated[
    str,
    Path(
        description="The client's id: 1 to 64 letters, digits, `.`, `_`, `-`, and not dots alone",
        json_schema_extra={"pattern": f"^{CLIENT_ID}$"},
    ),
]

JOB_BODY: dict[str, Any] = {
    "parameters": [
        {
            "name": "Prefer",
            "in": "header",
            "description": "`wait=N` holds the answer until the job has ended, for N seconds at most (30).",
            "schema": {"type": "string"},
            "example": "wait=10",
        },
        {
            "name": idempotency.HEADER,
            "in": "header",
            "description": "Yours for this request, for 24 hours: sent again it joins the job, or looks at one that "
            "has ended; with another body it is refused.",
            "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.MAX_KEY},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": JobRequest.model_json_schema(), "example": {"text": "Hello, world."}}
        },
    },
}

_LINES = {"type": "array", "items": LineRequest.model_json_schema(), "minItems": 1}
_MEMBERS = Members.model_json_schema()
_WITH_MEMBERS = {**_MEMBERS, "properties": {"lines": _LINES, **_MEMBERS["properties"]}, "required": ["lines"]}

BATCH_BODY: dict[str, Any] = {
    "parameters": JOB_BODY["parameters"][1:],
    "requestBody": {
        "required": True,
        "content": {
            "application/jsonl": {
                "schema": {"type": "string", "description": "A line's object in each line."},
                "example": '{"custom_id": "a", "text": "Hello."}\n{"text": "Goodbye.", "voice": "eve"}\n',
            },
            "text/csv": {
                "schema": {"type": "string", "description": "Columns are a line's fields, in any order."},
                "example": "custom_id,text,voice\na,Hello.,\nb,Goodbye.,eve\n",
            },
            "application/json": {
                "schema": {"oneOf": [_LINES, _WITH_MEMBERS]},
                "example": {"lines": [{"custom_id": "a", "text": "Hello."}], "metadata": {"for": "the shop"}},
            },
        },
    },
}

LOOKUP_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["requests"],
                    "properties": {
                        "requests": {
                            "type": "array",
                            "items": JobRequest.model_json_schema(),
                            "minItems": 1,
                            "maxItems": MAX_REQUESTS,
                        }
                    },
                },
                "example": {"requests": [{"text": "Hello."}, {"text": "Goodbye.", "voice": "eve"}]},
            }
        },
    },
}

SPEECH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": SpeechOrder.model_json_schema(),
                "example": {"model": "tts-1", "input": "Hello, world.", "voice": "alloy"},
            }
        },
    },
}
