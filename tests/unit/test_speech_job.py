from dataclasses import replace

import pytest

from speech.errors import KeyRejected, ReciteError, RenderError, UpstreamBusy, UpstreamTimeout
from speech.job import ENDS, TRANSITIONS, Job, JobError, JobStatus
from speech.retry import RetryPolicy, retry_delay
from tests.fakes.jobs import NOW, make_recipe

pytestmark = pytest.mark.unit

POLICY = RetryPolicy(attempts=4, first_delay=1.0, longest_delay=3.0)


def everyone(root: type[ReciteError]) -> list[type[ReciteError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in everyone(child))]


def test_ready_is_for_ever() -> None:
    assert not TRANSITIONS[JobStatus.READY]


def test_every_state_has_its_ways_out_and_only_ends_end() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert {status for status in JobStatus if status.is_end} == ENDS
    for status in set(JobStatus) - ENDS:
        assert TRANSITIONS[status] >= ENDS


def test_an_end_is_left_only_by_asking_again_or_by_audio_that_turns_up() -> None:
    for end in ENDS - {JobStatus.READY}:
        assert TRANSITIONS[end] == {JobStatus.QUEUED, JobStatus.READY}


@pytest.mark.parametrize(("age", "left"), [(0, 60), (0.5, 60), (40, 20), (59.9, 1), (300, 1), (-300, 60), (None, 60)])
def test_a_failure_is_forgiven_when_its_minute_is_over(age: float | None, left: int) -> None:
    failed = replace(Job.born(make_recipe(), now=NOW), ended_at=None if age is None else NOW - age)
    assert failed.forgiven_in(NOW) == left


def test_every_error_has_a_code_of_its_own_and_an_http_status() -> None:
    errors = everyone(ReciteError)
    assert len({error.code for error in errors}) == len(errors)
    assert all(400 <= error.status < 600 for error in errors)


def test_what_a_caller_learns_of_an_error_is_our_words() -> None:
    told = JobError.of(UpstreamTimeout("wss://secret.example said: key sk-123"))
    assert told.code == "upstream_timeout"
    assert "sk-123" not in told.message
    assert told.retryable


def test_backs_off_and_gives_up() -> None:
    delays = [retry_delay(RenderErrorThatPasses(), attempt=n, policy=POLICY, jitter=1.0) for n in (1, 2, 3, 4)]
    assert delays == [1.0, 2.0, 3.0, None]


def test_jitter_takes_at_most_half() -> None:
    assert retry_delay(RenderErrorThatPasses(), attempt=1, policy=POLICY, jitter=0.0) == 0.5


def test_the_server_is_waited_for() -> None:
    assert retry_delay(UpstreamBusy(retry_after=7), attempt=1, policy=POLICY, jitter=0.0) == 7


@pytest.mark.parametrize("seconds", [21, 3600, float("inf")])
def test_a_server_that_asks_for_too_much_is_not_waited_for(seconds: float) -> None:
    assert retry_delay(UpstreamBusy(retry_after=seconds), attempt=1, policy=POLICY, jitter=0.0) is None


def test_a_bad_key_is_never_tried_again() -> None:
    assert retry_delay(KeyRejected(), attempt=1, policy=POLICY, jitter=0.0) is None


class RenderErrorThatPasses(RenderError):
    code = "render_error_of_this_test"
    retryable = True
