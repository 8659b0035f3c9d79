"""Every error that Recite raises on purpose; one class per decision that a caller can take.

ReciteError
├── InvalidRequest            the caller must change the request
│   └── TextTooLong
├── InvalidLines              lines of a batch must be changed, or left out
├── UnsupportedMedia          the body is of a kind that this call does not read
├── MalformedBody             the body could not be read at all
├── MalformedName             the id in the URL is no name of ours
├── UnknownJob                nothing is known under this name
├── UnknownClient             no client is stored under this id
├── UnknownDelivery           no webhook is known under this id
├── NothingToSend             what the webhook is to tell has not happened
├── WebhooksFull              too many webhooks wait already
├── UnknownBatch              no batch of this caller is known under this id
├── BatchRunning              the batch has not ended, which it must for this
├── NothingToRetry            every line of the batch has its audio
├── KeySealed                 a client's own key can't be read: RECITE_SECRET is another
├── UnknownSession            no live session is known under this id
├── BadToken                  the token is not the session's, or was used before
├── SessionInUse              somebody is connected to the session
├── TooManySessions           this client, or this address, has as many live sessions as it may have
├── GoingAway                 this process stops: nothing new is begun on it
├── RangeNotSatisfiable       the byte range lies outside the object
├── Unauthorized              no valid key came with the call
├── Forbidden                 the key, or the widget's token, is not for this call
├── BadSignature              private audio is opened by a signed link that has not expired
├── ForeignPage               a page of another origin, or under another name, may not do this
├── Unavailable               one of our own dependencies does not answer
│   └── Misconfigured         it answers, but refuses us: a setting helps, waiting doesn't
├── NoSuchRules               the bucket's server has no rules of this kind
├── QueueFull                 too many jobs wait already
├── UpstreamDown              the voice service is not there: nothing new is begun for who waits
├── OverBudget                the client has bought what it may this month
├── SpendLimit                everybody together has spent what they may today
├── TooManyRequests           the client asks more often than it may
├── Unread                    what was spent so far must be read from the bucket first
├── NotFinished               the audio is still being made
├── BeingMade                 what is to be removed is being made
├── CutOff                    what was heard of it so far does not go on: it starts over, or failed
├── StaleToken                a newer attempt owns the work
├── Interrupted               the worker stops before the render is done
├── ChatError                 the chat service did not answer as it should
│   ├── ChatTimeout           not in time
│   ├── ChatBusy              429: it takes no more requests now
│   ├── ChatKeyMissing        neither the client nor the service has a key for it
│   ├── ChatKeyRejected       it does not take the key
│   └── ChatRefused           it does not take the model or the message
└── RenderError               the render of a job failed
    ├── AudioUnusable         what came back is not audio that can be kept
    ├── WordsDiffer           other words were spoken than the text has
    └── UpstreamError         xAI did not do what was asked
        ├── UpstreamUnreachable   refused, dropped or closed
        ├── UpstreamTimeout       no answer in time
        ├── UpstreamBusy          429: too many sessions or requests
        ├── KeyRejected           401/403: the key is not good
        ├── SettingsRefused       xAI does not take the voice or another setting of the session
        ├── TextRefused           xAI will not speak this text
        ├── SpeakModeUnsupported  the server does not know this way to speak
        └── NoAudio               the utterance ended early or without sound
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from speech.usage import Allowance


class ReciteError(Exception):
    """Root of the tree. `code` is stable, `status` is HTTP's; `retryable`: the same call may succeed later."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail or self.title)
        self.retry_after = retry_after

    @property
    def detail(self) -> str:
        """One sentence for the caller; never a key, a text, a path or upstream's raw words."""
        return str(self)


# A small body can hold a great many mistakes; nobody reads more than these.
MAX_PROBLEMS, MAX_LINE_PROBLEMS = 20, 100


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldProblem:
    """One thing wrong with one field: its name, what is wrong, and the limit that it breaks.

    `line` is that of the file in which it stands, from 1, where many came at once.
    """

    field: str
    message: str
    limit: object = None
    line: int | None = None


class InvalidRequest(ReciteError):
    """The request breaks a rule; `problems` names each field and its limit, the first MAX_PROBLEMS of them."""

    code = "invalid_request"
    title = "The request is not valid"
    status = 422

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems[:MAX_PROBLEMS])
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))


class TextTooLong(InvalidRequest):
    """The text or the body is over the limit."""

    code = "text_too_long"
    title = "The request is too large"
    status = 413


class InvalidLines(ReciteError):
    """Lines of a batch break rules: the first MAX_LINE_PROBLEMS `problems`, and how many `more` there are.

    `lines` of them are bad; 0 when it is the file as a whole that can't be read.
    """

    code = "invalid_lines"
    title = "Lines of the batch are not valid; nothing was begun"
    status = 422

    def __init__(self, problems: Sequence[FieldProblem], *, lines: int = 0, more: int = 0) -> None:
        self.problems, self.lines = tuple(problems[:MAX_LINE_PROBLEMS]), lines
        self.more = more + len(problems) - len(self.problems)
        first = problems[0]
        where = "" if first.line is None else f"line {first.line}, "
        bad = "1 line is" if lines == 1 else f"{lines} lines are"
        hint = f"; {bad} not valid: skip_invalid=true leaves such out" if lines else ""
        super().__init__(f"{where}{first.field}: {first.message}{hint}")


class UnsupportedMedia(ReciteError):
    """The body is of a kind, or packed in a way, that this call does not read."""

    code = "unsupported_media_type"
    title = "This call does not read such a body"
    status = 415


class MalformedBody(ReciteError):
    """The body is not what its content type says."""

    code = "malformed_body"
    title = "The body could not be read"
    status = 400


class MalformedName(ReciteError):
    """The id has not the form of a name."""

    code = "malformed_id"
    title = "This id is not the name of a job"
    status = 400


class UnknownJob(ReciteError):
    """Nothing is known under this name."""

    code = "unknown_job"
    title = "No such job; post it again"
    status = 404


class UnknownClient(ReciteError):
    """No client is stored under this id."""

    code = "unknown_client"
    title = "No such client; PUT /v1/clients/{id} makes one"
    status = 404


class UnknownDelivery(ReciteError):
    """No webhook is known under this id."""

    code = "unknown_delivery"
    title = "No such delivery; GET /v1/webhooks/deliveries lists those of the last days"
    status = 404


class NothingToSend(ReciteError):
    """What the webhook is to tell has not happened, or never will."""

    code = "nothing_to_send"
    title = "There is nothing to send: the job has not ended, or its caller no longer wants it"
    status = 409


class WebhooksFull(ReciteError):
    """Too many webhooks wait to be sent already."""

    code = "webhooks_full"
    title = "Too many webhooks wait already; ask again later, or without webhook_url"
    status = 503
    retryable = True


class UnknownBatch(ReciteError):
    """No batch of this caller is known under this id."""

    code = "unknown_batch"
    title = "No such batch; GET /v1/batches lists yours"
    status = 404


class BatchRunning(ReciteError):
    """The batch has not ended, which it must for this."""

    code = "batch_running"
    title = "The batch has not ended; wait for its end, or cancel it"
    status = 409
    retryable = True


class NothingToRetry(ReciteError):
    """Every line of the batch has its audio."""

    code = "nothing_to_retry"
    title = "Every line of the batch has its audio: nothing is to be run again"
    status = 409


class KeySealed(ReciteError):
    """The client has a key of its own that RECITE_SECRET doesn't open; no other key may be used in its place."""

    code = "key_sealed"
    title = "The client's own key can't be read with RECITE_SECRET; put it again"
    status = 503


class UnknownSession(ReciteError):
    """No live session is known under this id."""

    code = "unknown_session"
    title = "No such session; create one"
    status = 404


class BadToken(ReciteError):
    """The token is not the session's, or was used before."""

    code = "bad_token"
    title = "The token is not valid, or was used before"
    status = 403


class SessionInUse(ReciteError):
    """Somebody is connected; `is_theirs`: whoever asks has the right token, so the other connection is their own."""

    code = "in_use"
    title = "The session is connected already"
    status = 409

    def __init__(self, *, is_theirs: bool) -> None:
        super().__init__()
        self.is_theirs = is_theirs


class TooManySessions(ReciteError):
    """This client, or this address, has as many live sessions as it may have."""

    code = "too_many_sessions"
    title = "Too many sessions are open already"
    status = 429
    retryable = True


class GoingAway(ReciteError):
    """This process stops: nothing new is begun on it."""

    code = "going_away"
    title = "This process stops; try again shortly"
    status = 503
    retryable = True


class RangeNotSatisfiable(ReciteError):
    """The range lies outside an object of `size` bytes."""

    code = "range_not_satisfiable"
    title = "The range lies outside the audio"
    status = 416

    def __init__(self, *, size: int) -> None:
        super().__init__(f"The audio has {size} bytes; ask for a range inside them")
        self.size = size


class Unauthorized(ReciteError):
    """No valid key came with the call."""

    code = "unauthorized"
    title = "A valid API key is needed: Authorization: Bearer <key>"
    status = 401


class Forbidden(ReciteError):
    """Whoever calls is known, and may not do this."""

    code = "forbidden"
    title = "This key is not for this call"
    status = 403


class BadSignature(ReciteError):
    """Private audio is opened by a signed link that has not expired."""

    code = "bad_signature"
    title = "This audio is private: its link must be signed, and has expired or isn't; the job's answer has a new one"
    status = 403


class ForeignPage(ReciteError):
    """A page of an origin that is not allowed, or a host name that is not ours."""

    code = "foreign_page"
    title = "Pages of this origin may not do this; ALLOWED_ORIGINS, PUBLIC_URL and the client name those that may"
    status = 403


class Unavailable(ReciteError):
    """A dependency (`redis`, `bucket`, `broker`) does not answer; nothing was lost, ask again."""

    code = "unavailable"
    title = "A service that Recite needs does not answer"
    status = 503
    retryable = True

    def __init__(self, dependency: str, *, retry_after: float = 2) -> None:
        super().__init__(f"{dependency} does not answer; try again shortly", retry_after=retry_after)
        self.dependency = dependency


class Misconfigured(Unavailable):
    """To callers an outage like any other; `advice` tells the operator which setting to look at."""

    code = "misconfigured"
    title = "A service that Recite needs refuses to work for it"

    def __init__(self, dependency: str, *, advice: str) -> None:
        ReciteError.__init__(self, f"{dependency} refuses to work for us; {advice}", retry_after=30)
        self.dependency = dependency


class NoSuchRules(ReciteError):
    """The bucket's server does not do this by itself."""

    code = "no_bucket_rules"
    title = "The S3 server has no rules of this kind"
    status = 501


class QueueFull(ReciteError):
    """Too many jobs of this lane wait already; `retry_after` in seconds when it is known."""

    code = "queue_full"
    title = "Too many jobs wait already; ask again later"
    status = 503
    retryable = True


class UpstreamDown(ReciteError):
    """The voice service could not be reached several times in a row; what is there already goes on being served."""

    code = "upstream_unavailable"
    title = "The voice service can't be reached now"
    status = 503
    retryable = True


class OverBudget(ReciteError):
    """The client's characters of this month are used up, or reserved for its jobs under way."""

    code = "over_budget"
    title = "This client's characters for the month are used up; what is there already is served on"
    status = 429
    retryable = True


class SpendLimit(ReciteError):
    """Nothing new is bought today, for anybody."""

    code = "spend_limit"
    title = "Today's spending limit is reached; what is there already is served on"
    status = 503
    retryable = True


class TooManyRequests(ReciteError):
    """The client asks more often than it may; `allowance` says how it stands."""

    code = "rate_limited"
    title = "This client sends too many requests"
    status = 429
    retryable = True

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(retry_after=allowance.wait)
        self.allowance = allowance


class Unread(ReciteError):
    """Redis does not know what was spent so far: it must be read from the bucket first."""

    code = "unread"
    title = "What was spent so far is being looked up"
    status = 503
    retryable = True


class NotFinished(ReciteError):
    """The audio is still being made."""

    code = "not_finished"
    title = "The audio is still being made"
    status = 503
    retryable = True


class BeingMade(ReciteError):
    """What is to be removed, or another format of the same text, is being rendered."""

    code = "being_made"
    title = "This audio, or another format of it, is being made: wait for its end, or cancel the job first"
    status = 409
    retryable = True


class CutOff(ReciteError):
    """What was heard so far does not go on: it is spoken again, or the render failed. Listeners must notice."""

    code = "cut_off"
    title = "The audio starts over; ask for it again"
    status = 503
    retryable = True


class StaleToken(ReciteError):
    """A newer attempt owns this work; whatever the holder of this token does changes nothing."""

    code = "stale_token"
    title = "Another worker took this work over"
    status = 409


class Interrupted(ReciteError):
    """The worker stops; the job goes back to its queue."""

    code = "interrupted"
    title = "The worker stopped before the render was done"
    status = 503
    retryable = True


class ChatError(ReciteError):
    """The chat service did not answer as it should, or could not be reached."""

    code = "chat_failed"
    title = "The chat service did not answer"
    status = 502
    retryable = True


class ChatTimeout(ChatError):
    """No answer came in time."""

    code = "chat_timeout"
    title = "The chat service did not answer in time"
    status = 504


class ChatBusy(ChatError):
    """429; `retry_after` in seconds when it said so."""

    code = "chat_busy"
    title = "The chat service takes no more requests right now"
    status = 503


class ChatKeyMissing(ChatError):
    """Neither the client nor the service has a key for this provider."""

    code = "no_key"
    title = "There is no API key for the chat: the client has none, and XAI_API_KEY is not set or not meant for it"
    status = 503
    retryable = False


class ChatKeyRejected(ChatError):
    """401 or 403: the key is not good."""

    code = "chat_key_rejected"
    title = "The chat service rejected the API key"
    retryable = False


class ChatRefused(ChatError):
    """It does not take the model or the message."""

    code = "chat_refused"
    title = "The chat service refused the model or the message"
    retryable = False


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
