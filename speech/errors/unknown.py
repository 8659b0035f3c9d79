"""Names under which nothing is known."""

from __future__ import annotations

from speech.errors.root import ReciteError


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


class UnknownBatch(ReciteError):
    """No batch of this caller is known under this id."""

    code = "unknown_batch"
    title = "No such batch; GET /v1/batches lists yours"
    status = 404


class UnknownSession(ReciteError):
    """No live session is known under this id."""

    code = "unknown_session"
    title = "No such session; create one"
    status = 404
