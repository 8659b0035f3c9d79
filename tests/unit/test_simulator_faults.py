"""The tables of faults and blows, and the plan that hands them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.blows import BLOWS, Again, Blow
from simulator.fates import ATTEMPTS, Kept, ready
from simulator.fault_plan import FaultPlan
from simulator.fault_table import markdown
from simulator.faults import FAULTS, Act, Fault
from speech.errors import UpstreamBusy
from speech.job import JobStatus

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_a_row_is_complete_and_true_to_itself(fault: Fault) -> None:
    assert FAULTS[fault.name] is fault
    assert fault.does
    for fate in (fault.fates.once, fault.fates.always):
        is_ready = fate.end_state is JobStatus.READY
        assert (fate.error is None, fate.audio == 200, fate.kept is Kept.AUDIO) == (is_ready,) * 3
        assert fate.paid <= ATTEMPTS
    errors = (fault.fates.once.error, fault.fates.always.error)
    assert all(fault.fates.retried == error.retryable for error in errors if error)
    assert fault.strikes_connection <= (fault.fates.always.paid == 0)


@pytest.mark.parametrize("blow", BLOWS.values(), ids=str)
def test_a_blow_is_complete_and_costs_no_job(blow: Blow) -> None:
    assert BLOWS[blow.name] is blow
    assert blow.does
    assert 200 in blow.answers
    assert blow.fate == ready(paid=blow.fate.paid)
    assert (blow.fate.paid > 1) <= (blow.again is Again.RENDER)


def test_every_act_has_a_row() -> None:
    assert {fault.act for fault in FAULTS.values()} == set(Act)


def test_a_row_knows_what_becomes_of_the_job() -> None:
    busy, wrong_key, odd = (FAULTS[name].fates for name in ("refuse_429", "refuse_401", "odd_bytes"))
    assert (busy.always.error, busy.retried, busy.once.end_state) == (UpstreamBusy, True, JobStatus.READY)
    assert (wrong_key.once.code, wrong_key.retried) == ("key_rejected", False)
    assert (odd.always.code, odd.retried, odd.always.end_state) == (None, False, JobStatus.READY)


def test_a_plan_is_counted_down() -> None:
    plan = FaultPlan()
    plan.add(FAULTS["stall"], times=2)
    plan.add(FAULTS["silence"])
    met = [plan.take(connecting=False) for _ in range(4)]
    assert [fault and fault.name for fault in met] == ["stall", "stall", "silence", "silence"]
    assert plan.pending() == {"silence": None}


def test_connections_and_utterances_meet_their_own_faults() -> None:
    plan = FaultPlan()
    plan.add(FAULTS["refuse_429"], times=1)
    assert plan.take(connecting=False) is None
    assert plan.take(connecting=True) is FAULTS["refuse_429"]
    assert plan.take(connecting=True) is None


def test_a_fault_may_be_meant_for_one_text() -> None:
    plan = FaultPlan()
    plan.add(FAULTS["stall"], times=1, text="One.")
    plan.add(FAULTS["silence"], text="Two.")
    assert plan.take(connecting=False, text="Three.") is None
    assert [plan.take(connecting=False, text="Two.") for _ in range(2)] == [FAULTS["silence"]] * 2
    assert [plan.take(connecting=False, text="One.") for _ in range(2)] == [FAULTS["stall"], None]


def test_a_cleared_plan_is_empty() -> None:
    plan = FaultPlan()
    plan.add(FAULTS["stall"])
    plan.clear()
    assert plan.take(connecting=False) is None


def test_the_written_table_is_the_table() -> None:
    written = Path(__file__).parents[2] / "docs" / "faults.md"
    assert written.read_text() == markdown(), "write it again: python -m simulator.fault_table > docs/faults.md"
