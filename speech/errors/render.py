"""Renders that fail, by the upstream or by what it sent."""

from __future__ import annotations

from speech.errors.root import ReciteError


class RenderError(ReciteError):
    """The render of a job failed."""

    code = "render_failed"
    title = "The render failed"
    status = 502


class AudioUnusable(RenderError):
    """What came back is not audio that can be kept."""

    code = "audio_unusable"
    title = "The audio that came back could not be used"
    retryable = True


class WordsDiffer(RenderError):
    """Other words were spoken than the text has, or too few of them."""

    code = "words_differ"
    title = "The voice service spoke other words than it was given"
    retryable = True


class UpstreamError(RenderError):
    """xAI did not do what was asked. `groups`: the quota groups whose keys alone met it; none: it concerns all."""

    code = "upstream_error"
    title = "The voice service reported an error"
    retryable = True
    groups: tuple[str, ...] = ()


class UpstreamUnreachable(UpstreamError):
    """The connection was refused, dropped or closed; `answered` is the HTTP status of a refusal."""

    code = "upstream_unreachable"
    title = "The connection to the voice service failed"

    def __init__(self, detail: str = "", *, retry_after: float | None = None, answered: int | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.answered = answered


class UpstreamTimeout(UpstreamError):
    """No answer came in time."""

    code = "upstream_timeout"
    title = "The voice service did not answer in time"
    status = 504


class UpstreamBusy(UpstreamError):
    """429: too many sessions or requests; `retry_after` in seconds when the server said so."""

    code = "upstream_busy"
    title = "The voice service takes no more sessions right now"
    status = 503


class KeyRejected(UpstreamError):
    """401 or 403: the key is not good."""

    code = "key_rejected"
    title = "The voice service rejected the API key; check XAI_API_KEY, or the client's own"
    retryable = False


class SettingsRefused(UpstreamError):
    """xAI does not take the voice or another setting of the session."""

    code = "settings_refused"
    title = "The voice service refused the voice or its settings"
    status = 422
    retryable = False


class TextRefused(UpstreamError):
    """xAI will not speak this text."""

    code = "text_refused"
    title = "The voice service refused to speak this text"
    status = 422
    retryable = False


class SpeakModeUnsupported(UpstreamError):
    """The server does not know this way to speak; another one may work."""

    code = "speak_mode_unsupported"
    title = "The voice service does not know this way to speak"
    retryable = False


class NoAudio(UpstreamError):
    """The utterance ended early or without sound."""

    code = "no_audio"
    title = "The voice service ended the utterance without all of its sound"
