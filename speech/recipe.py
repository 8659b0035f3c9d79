"""The recipe: everything that changes the bytes, and the names that follow from it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from speech.errors import MalformedName
from speech.request import Lane, Rendition, SpeechRequest

# Raise it whenever the same request would give other bytes: other cutting, polishing or encoding.
RECIPE_VERSION = 2

_HASH_CHARACTERS = 40
_OWNER_CHARACTERS = 16
# No hexadecimal digit: it tells private names from those that all share.
_PRIVATE = "p"
JOB_NAME = rf"[a-z0-9]{{2,16}}-{_PRIVATE}?[0-9a-f]{{40}}\.[a-z0-9]{{2,5}}"
_JOB_NAME = re.compile(JOB_NAME)
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A request together with what the service adds to it: the resolved model and the speak mode's policy.

    `scope` is a private client's secret in hexadecimal: under it, all names are others than anybody else gets.
    """

    request: SpeechRequest
    model: str
    speak_mode: str
    scope: str | None = None

    @cached_property
    def reading_name(self) -> str:
        """Names the whole text in this voice, without a format: `ara-<40 hex>`."""
        return self._voiced("reading", self._sound(self.request.text))

    @cached_property
    def job_name(self) -> str:
        """Names the reading in one format: the job's id, the file and the URL: `ara-<40 hex>.mp3`."""
        # Not by asdict: it takes as long as all the rest, and a batch names fifty thousand.
        form = self.request.rendition
        rendition = {"format": form.format, "sample_rate": form.sample_rate, "bit_rate": form.bit_rate}
        return f"{self._voiced('job', {'reading': self.reading_name, **rendition})}.{form.format}"

    @property
    def owner(self) -> str | None:
        """Whose audio it is, when it is a private client's."""
        return None if self.scope is None else owner_of(self.scope)

    def utterance_name(self, text: str) -> str:
        """Names one piece of text in this voice; the same piece in another text has the same name."""
        return self._voiced("utterance", self._sound(text))

    def public_sound(self) -> dict[str, Any]:
        """What a master's card keeps of the recipe: all of it but the words (text and pronunciations)."""
        sound = self._sound("")
        del sound["text"], sound["pronunciations"]
        return {"version": RECIPE_VERSION, **sound}

    def public(self) -> dict[str, Any]:
        """What a job's card keeps: the rendition, too."""
        return {**self.public_sound(), **asdict(self.request.rendition)}

    @classmethod
    def from_json(cls, document: str) -> Recipe:
        """Reads a recipe's fields by their names, nested as the dataclasses are.

        Raises LookupError, TypeError or ValueError for what another version wrote.
        """
        return cls.from_fields(json.loads(document))

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Recipe:
        """The same from what was read as JSON already."""
        request = dict(fields["request"])
        request["rendition"] = Rendition(**request["rendition"])
        request["pronunciations"] = tuple((word, sound) for word, sound in request["pronunciations"])
        request["lane"] = Lane(request["lane"])
        return cls(
            request=SpeechRequest(**request),
            model=fields["model"],
            speak_mode=fields["speak_mode"],
            scope=fields.get("scope"),
        )

    def _sound(self, text: str) -> dict[str, Any]:
        request = self.request
        return {
            "text": text,
            "voice": request.voice,
            "speed": f"{request.speed:.2f}",
            "language": request.language,
            "pronunciations": request.pronunciations,
            "take": request.take,
            "model": self.model,
            "speak_mode": self.speak_mode,
        }

    def _voiced(self, kind: str, fields: dict[str, Any]) -> str:
        canonical = _CANONICAL.encode({"kind": kind, "recipe_version": RECIPE_VERSION, **fields})
        if self.scope is None:
            return f"{self.request.voice}-{hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_CHARACTERS]}"
        digest = hmac.new(bytes.fromhex(self.scope), canonical.encode(), hashlib.sha256).hexdigest()
        return f"{self.request.voice}-{_PRIVATE}{digest[:_HASH_CHARACTERS]}"


def is_private(name: str) -> bool:
    """Whether the name of a job, a reading or an utterance is a private client's."""
    return name.partition("-")[2].startswith(_PRIVATE)


def scope_of(client_id: str, *, key: bytes) -> str:
    """The scope of a private client's names; `key` is the service's own."""
    return hmac.new(key, client_id.encode(), hashlib.sha256).hexdigest()


def owner_of(scope: str) -> str:
    """What cards say of a private client: the same for all that is its own, and nothing of its id or its secret."""
    return hashlib.sha256(bytes.fromhex(scope)).hexdigest()[:_OWNER_CHARACTERS]


def is_job_name(name: str) -> bool:
    """Whether something has a job name's form."""
    return bool(_JOB_NAME.fullmatch(name))


def check_job_name(name: str) -> str:
    """The name itself when it has a job name's form; raises MalformedName otherwise."""
    if not is_job_name(name):
        raise MalformedName("An id looks like ara-<40 hexadecimal digits>.mp3; take it from the job's answer")
    return name
