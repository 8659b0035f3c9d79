"""The chat service, when it does not answer as it should."""

from __future__ import annotations

from speech.errors.root import ReciteError


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
