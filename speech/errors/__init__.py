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

from speech.errors.access import BadSignature, BadToken, Forbidden, ForeignPage, KeySealed, Unauthorized
from speech.errors.chat import ChatBusy, ChatError, ChatKeyMissing, ChatKeyRejected, ChatRefused, ChatTimeout
from speech.errors.dependencies import Misconfigured, NoSuchRules, Unavailable
from speech.errors.limits import (
    GoingAway,
    OverBudget,
    QueueFull,
    SpendLimit,
    TooManyRequests,
    TooManySessions,
    Unread,
    UpstreamDown,
    WebhooksFull,
)
from speech.errors.render import (
    AudioUnusable,
    KeyRejected,
    NoAudio,
    RenderError,
    SettingsRefused,
    SpeakModeUnsupported,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
    WordsDiffer,
)
from speech.errors.request import (
    MAX_LINE_PROBLEMS,
    MAX_PROBLEMS,
    FieldProblem,
    InvalidLines,
    InvalidRequest,
    MalformedBody,
    MalformedName,
    RangeNotSatisfiable,
    TextTooLong,
    UnsupportedMedia,
)
from speech.errors.root import ReciteError
from speech.errors.state import (
    BatchRunning,
    BeingMade,
    CutOff,
    Interrupted,
    NotFinished,
    NothingToRetry,
    NothingToSend,
    SessionInUse,
    StaleToken,
)
from speech.errors.unknown import UnknownBatch, UnknownClient, UnknownDelivery, UnknownJob, UnknownSession

__all__ = [
    "MAX_LINE_PROBLEMS",
    "MAX_PROBLEMS",
    "AudioUnusable",
    "BadSignature",
    "BadToken",
    "BatchRunning",
    "BeingMade",
    "ChatBusy",
    "ChatError",
    "ChatKeyMissing",
    "ChatKeyRejected",
    "ChatRefused",
    "ChatTimeout",
    "CutOff",
    "FieldProblem",
    "Forbidden",
    "ForeignPage",
    "GoingAway",
    "Interrupted",
    "InvalidLines",
    "InvalidRequest",
    "KeyRejected",
    "KeySealed",
    "MalformedBody",
    "MalformedName",
    "Misconfigured",
    "NoAudio",
    "NoSuchRules",
    "NotFinished",
    "NothingToRetry",
    "NothingToSend",
    "OverBudget",
    "QueueFull",
    "RangeNotSatisfiable",
    "ReciteError",
    "RenderError",
    "SessionInUse",
    "SettingsRefused",
    "SpeakModeUnsupported",
    "SpendLimit",
    "StaleToken",
    "TextRefused",
    "TextTooLong",
    "TooManyRequests",
    "TooManySessions",
    "Unauthorized",
    "Unavailable",
    "UnknownBatch",
    "UnknownClient",
    "UnknownDelivery",
    "UnknownJob",
    "UnknownSession",
    "Unread",
    "UnsupportedMedia",
    "UpstreamBusy",
    "UpstreamDown",
    "UpstreamError",
    "UpstreamTimeout",
    "UpstreamUnreachable",
    "WebhooksFull",
    "WordsDiffer",
]
