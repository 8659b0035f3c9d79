"""How a job stands in its Redis hash."""

from __future__ import annotations

import pytest

from speech.errors import UpstreamBusy
from speech.job import Job, JobError, JobStatus
from speech.recipe import Recipe
from storage.board_record import born_facts, error_record, order_record, read_job, ready_facts
from tests.fakes.jobs import NOW, make_card, make_recipe

pytestmark = pytest.mark.unit

RECIPE = make_recipe()
NAME = RECIPE.job_name


def test_a_born_job_comes_back() -> None:
    job = Job.born(RECIPE, now=NOW)
    assert (
        read_job(
            NAME, [b"queued", b"1", repr(NOW).encode(), None, b"0", None, None, born_facts(job), b"1", *[None] * 2]
        )
        == job
    )


def test_a_ready_job_is_what_its_card_says() -> None:
    job = Job.ready(make_card(RECIPE), created_at=NOW, started_at=NOW)
    moment = repr(NOW).encode()
    assert read_job(NAME, [b"ready", b"2", moment, moment, b"7", b"9", None, ready_facts(job), b"5", b"1", b"7"]) == job


def test_a_failure_keeps_its_reason() -> None:
    error = JobError.of(UpstreamBusy())
    facts = born_facts(Job.born(RECIPE, now=NOW))
    job = read_job(NAME, [b"failed", b"1", b"5", b"6", b"3", b"1", error_record(error), facts, b"4", b"2", b"7500"])
    assert job is not None
    assert (job.status, job.error, job.attempts) == (JobStatus.FAILED, error, 3)
    assert (job.stamp, job.utterances_done) == ((1, 4), 2)
    assert job.ended_at == 7.5


def test_nothing_is_no_job() -> None:
    assert read_job(NAME, [None] * 11) is None


def test_an_order_brings_the_recipe_back() -> None:
    assert RECIPE.job_name
    recipe = Recipe.from_json(order_record(RECIPE).decode())
    assert recipe == RECIPE
    assert (recipe.job_name, recipe.reading_name) == (NAME, RECIPE.reading_name)
