"""The model check: every process keeps its promises in a shallow search, and planted faults are found."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from statemachine import State

from cases.case import Facts
from cases.forms import Form
from cases.models import Id
from cases.policy import Policy
from proofs import model_check
from proofs.model.search import Searched, search
from statecharts.chart import CaseChart
from statecharts.rules import Party, after, do, under, upon
from tests.support.processes.endless import EndlessCase
from tests.support.rules.telling import OPENINGS
from workflows.engine.course import CaseCourse
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.registry import PROCESSES

CASES = [(process, number) for process in PROCESSES for number in range(len(model_check.openings(process)))]


@pytest.mark.parametrize(("process", "number"), CASES)
def test_whatever_happens_next_every_case_keeps_its_promises(process: str, number: int) -> None:
    seen = model_check.check(process, number, depth=1)

    assert seen.complete
    assert (seen.findings, seen.states > 2, seen.transitions >= seen.states - 1) == ([], True, True)


class StuckChart(CaseChart):
    """``vanish`` leads to where nothing leads on from: what would, needs a condition that never holds."""

    waiting = State("等待", initial=True)
    lost = State("丢失")
    found = State("找到", final=True)

    vanish = upon("丢", under("X-1", waiting.to(lost)))
    find = upon("找", under("X-2", waiting.to(found, on=[do("cheer", "欢呼")])))
    give_up = after("1d", "放弃", under("X-3", waiting.to(found)), figure="patience", of=Party.BUYER)
    mend = upon("修", under("X-4", lost.to(found, cond="mendable")))


class StuckPolicy(Policy, clocks=(StuckChart,)):
    """The figure of the chart's clock."""


class StuckFacts(Facts):
    own: Id

    @property
    def own_id(self) -> str:
        return self.own

    @property
    def began_at(self) -> None:
        return None

    @property
    def shop(self) -> str:
        return "S1"

    @property
    def order(self) -> None:
        return None


class StuckCase(EndlessCase):
    facts: StuckFacts  # type: ignore[assignment]
    policy: StuckPolicy = StuckPolicy()  # type: ignore[assignment]
    forms: ClassVar[Mapping[str, type[Form]]] = {}

    @property
    def mendable(self) -> bool:
        """可修"""
        return False


STUCK = Process("stuck", "卡住", StuckChart, StuckCase)


def searched(process: str, depth: int = 2, opening: int = 0) -> Searched:
    return search(PROCESSES[process], OPENINGS[process][opening], depth, opening=opening, most_findings=1)


def test_a_dead_end_is_found_by_the_shortest_way() -> None:
    seen = search(STUCK, {"own": "A1"}, depth=2, most_findings=1)

    (finding,) = seen.findings
    assert "a dead end: neither a clock nor an input leads from lost" in finding.what
    assert finding.path == ("+120s vanish/0@+120s happens and is told",)


def test_an_effect_that_is_dropped_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue = CaseCourse._enqueue

    def dropping(self: CaseCourse, effects: list[Any], *arguments: Any, **named: Any) -> None:
        enqueue(self, [effect for effect in effects if effect.name != "cheer"], *arguments, **named)

    monkeypatch.setattr(CaseCourse, "_enqueue", dropping)
    seen = search(STUCK, {"own": "A1"}, depth=1)

    assert [finding.what for finding in seen.findings if "no effect is lost" in finding.what]
    assert any("find/0@+120s" in step for finding in seen.findings for step in finding.path)


def test_an_effect_that_is_lost_when_the_course_is_worked_out_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue = CaseCourse._enqueue

    def dropping(self: CaseCourse, effects: list[Any], *arguments: Any, **named: Any) -> None:
        enqueue(self, [] if self._before else effects, *arguments, **named)

    monkeypatch.setattr(CaseCourse, "_enqueue", dropping)
    seen = searched("jd_presale_shortage", opening=1)

    assert seen.findings


def test_a_machine_that_takes_facts_in_the_order_of_telling_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CaseCourse, "_comes_last", lambda *_: True)
    seen = searched("jd_presale_shortage", opening=1)

    (finding,) = seen.findings
    assert any("told late" in step for step in finding.path)
    assert finding.what.startswith(("the same end", "the ledger in force"))


def test_a_machine_that_takes_a_message_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.engine.state.CaseState.first_time", lambda *_: True)
    seen = search(STUCK, {"own": "A1"}, depth=2, most_findings=100)

    assert any("a message told twice changes something" in finding.what for finding in seen.findings)


def test_a_machine_that_fails_is_found_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: CaseMachine, *_: Any, **__: Any) -> None:
        raise ZeroDivisionError(str(self.case_id))

    monkeypatch.setattr(CaseMachine, "receive", failing)
    (finding,) = search(STUCK, {"own": "A1"}, depth=1).findings

    assert "the core fails: ZeroDivisionError" in finding.what


def test_g_11_a_report_that_is_recalled_and_filed_again_ends_the_same_in_any_order_of_telling() -> None:
    seen = search(
        PROCESSES["jd_delay_card"],
        OPENINGS["jd_delay_card"][0],
        3,
        rules=frozenset({"file_emergency_report", "recall_report"}),
    )

    assert seen.findings == []


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5"])
def test_a_depth_that_is_none_is_refused_in_a_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        model_check.main([f"--depth={text}"])

    assert ended.value.code == 2
    assert "expected a whole number from 1" in capsys.readouterr().err
