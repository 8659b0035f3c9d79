"""What can't be done as things stand."""

from __future__ import annotations

from speech.errors.root import ReciteError


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


class NothingToSend(ReciteError):
    """What the webhook is to tell has not happened, or never will."""

    code = "nothing_to_send"
    title = "There is nothing to send: the job has not ended, or its caller no longer wants it"
    status = 409


class SessionInUse(ReciteError):
    """Somebody is connected; `is_theirs`: whoever asks has the right token, so the other connection is their own."""

    code = "in_use"
    title = "The session is connected already"
    status = 409

    def __init__(self, *, is_theirs: bool) -> None:
        super().__init__()
        self.is_theirs = is_theirs


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
