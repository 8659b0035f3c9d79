"""What an error that came over the socket means for the caller.

No source lists the codes of the realtime API, so the decision reads words, the sure ones first:

1. rate or session limits are UpstreamBusy, keys and permissions are KeyRejected;
2. `timeout` (inactivity) and `max_duration` end the session: UpstreamUnreachable, as if the socket had closed;
3. before any text, an `invalid_request_error` or a code that names something invalid or unknown is about the session's
   settings: SettingsRefused, which the same settings would meet again;
4. before `response.created`, a code that names something unknown, or a wrong type or event, is about the way to speak:
   SpeakModeUnsupported;
5. a code with content, policy, moderation, safety or a length in it, or a message that says so, is about the text:
   TextRefused, which no other way to speak would change;
6. before `response.created`, any other `invalid_request_error` or `invalid_event` is SpeakModeUnsupported. It may be a
   refusal in words that are not known here; the next way is then tried with the same text and refused as well;
7. the rest is the upstream's own trouble: UpstreamError, worth another attempt.

The upstream's own words are never passed on: they may repeat the text or the key.
"""

from __future__ import annotations

import re

from speech.errors import (
    KeyRejected,
    NoAudio,
    SettingsRefused,
    SpeakModeUnsupported,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamUnreachable,
)
from xai.events import ErrorEvent, ResponseDone

_SESSION_ENDS = frozenset({"timeout", "max_duration"})
_INVALID = re.compile(r"invalid_|unknown|unsupported|unrecogni[sz]ed")
_BUSY = re.compile(r"\b429\b|rate_?limit|too_many|concurren|session_limit|overloaded|exhausted")
_KEY = re.compile(
    r"\b40[123]\b|api_?key|unauthori[sz]ed|authentication|permission|forbidden|quota|credit|billing|balance"
)
_UNKNOWN_WAY = re.compile(r"unknown|unsupported|unrecogni[sz]ed|invalid_(\w+_)?(type|event)|content_(type|part)")
_REFUSED_CODE = re.compile(
    r"content|policy|moderat|safety|refus|too_long|too_large|max_(text_)?(length|characters)|length_exceeded"
)
_REFUSED_MESSAGE = re.compile(
    r"content.polic|usage.polic|policy violation|violates|moderation|safety|too long|maximum length|maximum of \d+"
    r"|exceeds? the (max|limit|length)"
)


def ends_session(event: ErrorEvent) -> bool:
    """Whether the server closes the session after this error."""
    return event.kind in _SESSION_ENDS or event.code in _SESSION_ENDS


def error_failure(event: ErrorEvent, *, speaking: bool, begun: bool) -> UpstreamError:
    """What an `error` event means; `speaking`: a text was sent, `begun`: the response to it has begun."""
    words, code = f"{event.kind} {event.code}".lower(), event.code.lower()
    if _BUSY.search(words):
        return UpstreamBusy()
    if _KEY.search(words):
        return KeyRejected()
    if ends_session(event):
        return UpstreamUnreachable("The voice service ended the session")
    if not speaking:
        return SettingsRefused() if _INVALID.search(words) else UpstreamError()
    unknown_way = not begun and bool(_UNKNOWN_WAY.search(code))
    if not unknown_way and (_REFUSED_CODE.search(code) or _REFUSED_MESSAGE.search(event.message.lower())):
        return TextRefused()
    if unknown_way or (not begun and _INVALID.search(words)):
        return SpeakModeUnsupported()
    return UpstreamError()


def ending_failure(event: ResponseDone, *, audible: bool) -> UpstreamError | None:
    """What the end of an utterance means: None when it completed with sound, NoAudio when it did not."""
    if re.search(r"content_filter|moderat|policy|safety", event.reason):
        return TextRefused()
    if event.status not in (None, "completed"):
        return NoAudio("The voice service broke the utterance off")
    return None if audible else NoAudio("The voice service ended the utterance without sound")
