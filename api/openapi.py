"""What OpenAPI says of the body that is read by hand."""

from __future__ import annotations

from typing import Any

from api import idempotency
from api.schemas import JobRequest
from api.speech_order import SpeechOrder

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
