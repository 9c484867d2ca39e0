"""The documents of the processes are made from the code, and the rule book has every clause that the code cites."""

import json
import re
from typing import Any

import pytest
from statemachine import HistoryState

from aftersales.authoring.rulebook_document import COMMAND, NOBODY_ACTS, figures, rulebook_document, rules, states
from statecharts.analysis.invariants import clauses
from tests.support.places import DOCS
from workflows.engine.process import Process
from workflows.registry import PROCESSES

RULE_BOOK = (DOCS / "rules.md").read_text(encoding="utf-8")
ONLY_CLOCKS = (("jd_advance_report", "approved"), ("jd_advance_report", "in_force"))
"""The states of an advance report that is approved: its period begins and ends by itself."""
KNOWN = re.findall(r"^\| ([A-Z]+-\d+) \|", RULE_BOOK, flags=re.MULTILINE)


@pytest.fixture(scope="module", params=PROCESSES.values(), ids=list(PROCESSES))
def process(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def document(process: Process) -> str:
    return rulebook_document(process)


@pytest.fixture(scope="module")
def reship_document() -> str:
    return rulebook_document(PROCESSES["douyin_reship"])


def names(process: Process, heading: str) -> list[tuple[str, str]]:
    """Return the first column of a table of the process's names in the rule book."""
    section = RULE_BOOK.split(f"## Names of `{process.name}`")[1].split("\n## ")[0]
    table = section.split(f"### {heading}\n")[1].split("\n### ")[0]
    return re.findall(r"^\| `(\w+)` \|(.*)$", table, flags=re.MULTILINE)


def test_the_kept_document_is_the_generated_one(process: Process, document: str) -> None:
    kept = (DOCS / "rulebook" / f"{process.name}.md").read_text(encoding="utf-8")

    assert kept == document, f"out of date: run `{COMMAND}`"


def test_no_document_is_left_of_a_process_that_is_gone() -> None:
    assert {path.stem for path in (DOCS / "rulebook").glob("*.md")} == set(PROCESSES)


def test_a_clause_is_in_the_rule_book_once() -> None:
    assert sorted(KNOWN) == sorted(set(KNOWN))


def test_every_clause_that_a_process_cites_is_in_the_rule_book(process: Process) -> None:
    cited = {
        *(clause for chart in process.charts for clause in clauses(chart)),
        *(clause for row in figures(process) for clause in row["clause"].split(", ")),
    }

    assert cited - set(KNOWN) == set()


def test_states_are_called_as_in_the_rule_book(process: Process) -> None:
    said = {name: tuple(cell.strip() for cell in rest.split("|")[:2]) for name, rest in names(process, "States")}
    states = [state for chart in process.charts for state in chart.states_map.values()]

    assert {
        state.id: (str(state.name), "yes" if state.final else "no")
        for state in states
        if state.is_atomic and not isinstance(state, HistoryState)
    } == said


def test_rules_are_called_as_in_the_rule_book_and_only_what_is_judged_at_once_is_not_named_there(
    process: Process,
) -> None:
    said = {name for name, _ in names(process, "Rules")}
    clocks = process.clocks

    assert {name for name in process.rules if name not in clocks or clocks[name].figure} == said


def test_who_fires_a_rule_and_after_how_long_is_as_in_the_rule_book(process: Process) -> None:
    for name, rest in names(process, "Rules"):
        rule, who = process.rules[name], rest.split("|")[1].strip()
        length = rule.clock.length.text if rule.clock and rule.clock.length else None
        assert who.split(",")[0].split(" /")[0] == rule.party.value, name
        if length is not None:
            assert re.sub(r"(?<=\d)(?=[a-z])", " ", length) in who, name


def test_facts_are_called_as_in_the_rule_book(process: Process) -> None:
    said = [name for name, _ in names(process, "Facts")]

    assert list(process.case.facts_type().model_fields) == said


def test_a_document_says_that_it_is_generated_and_by_what(document: str) -> None:
    assert f"`{COMMAND}`" in document.splitlines()[2]


def test_a_document_is_headed_by_the_process_and_has_every_part(process: Process, document: str) -> None:
    headings = re.findall(r"^#+ .*$", document, flags=re.MULTILINE)

    assert headings == [
        f"# {process.label} · {process.name}",
        "## 规则",
        "## 按状态查",
        "## 状态图",
        *(("## 规则:每个订单", "## 按状态查:每个订单", "## 状态图:每个订单") if process.order_chart else ()),
        "## 参数",
        "## 没有时限的等待",
        "## 无人处理时的结局",
    ]
    assert document.count("```mermaid\nstateDiagram-v2\n") == len(process.charts)


def test_rules_as_data_have_a_row_a_move(process: Process) -> None:
    moves = [(line.clause, name, move.source.id) for name, rule in process.rules.items() for line, move in rule.steps()]
    rows = [(row["clause"], row["rule"], row["state"]) for row in rules(process)]

    assert [row for row in rows if row[2]] == moves
    assert {row[1] for row in rows if not row[2]} == {name for name, rule in process.rules.items() if rule.forbidden}


def test_every_open_state_says_what_may_be_done_and_what_follows_if_nobody_acts(process: Process) -> None:
    by_state: dict[str, list[dict[str, Any]]] = {}
    for option in states(process):
        by_state.setdefault(option["state"], []).append(option)

    every = [state for chart in process.charts for state in chart.states_map.values() if not state.final]
    assert list(by_state) == [state.id for state in every if state.is_atomic and not isinstance(state, HistoryState)]
    for state, options in by_state.items():
        assert [option for option in options if option["who"] == NOBODY_ACTS]
        assert [option for option in options if option["who"] != NOBODY_ACTS] or (process.name, state) in ONLY_CLOCKS


def test_every_transition_of_a_rule_that_is_not_forbidden_is_found_under_its_state(process: Process) -> None:
    options = {(option["rule"], option["result"].partition("(")[0]) for option in states(process)}

    assert {(row["rule"], row["to_label"]) for row in rules(process) if row["state"]} == options - {("", "不变")}


def test_dr_5_dr_10_a_clerk_reads_the_form_the_clock_and_the_cost_of_a_state(reship_document: str) -> None:
    [ship] = [line for line in reship_document.splitlines() if "补寄发货 `ship` | `carrier`、`tracking_no` |" in line][
        :1
    ]
    missed = [line for line in reship_document.splitlines() if "⏱ 补寄发货时限 48h 届满:超时未发货" in line]

    assert ship.startswith("|  | 商家 |")
    assert [line.split(" | ")[1] for line in missed] == ["不处理"] * 3  # one of DR-8 for each edition
    assert all("每单赔付买家优惠券 ¥3.00(DR-10)" in line for line in missed)


def test_rules_as_data_survive_json(process: Process) -> None:
    assert json.loads(json.dumps(rules(process))) == rules(process)


def test_every_guard_is_shown_in_chinese(process: Process) -> None:
    shown = {condition for row in rules(process) for condition in row["conditions"]}

    assert [condition for condition in shown if condition.isascii()] == []


def test_every_clock_is_shown_with_its_figure_in_chinese(process: Process) -> None:
    shown = {row["clock"] for row in rules(process)} - {None}

    assert [clock for clock in shown if clock.removeprefix("⏱ ").isascii()] == []


def test_g_9_every_figure_of_a_policy_is_shown_with_its_clause_source_and_standing(
    process: Process, document: str
) -> None:
    policy_figures = figures(process)

    assert [row["name"] for row in policy_figures] == list(process.case.policy_type().figures())
    assert [
        row for row in policy_figures if f"| {row['label']} `{row['name']}` | {row['value']} |" not in document
    ] == []


def test_dr_4_dr_8_a_reship_never_received_that_nobody_touches_is_refunded_after_4_days(
    reship_document: str,
) -> None:
    [line] = [
        line
        for line in reship_document.splitlines()
        if line.startswith("| 已发货且在申请时限内、类目已开放补寄、一直未收到货")
    ]

    assert line.endswith("| 已退款(结案) | 4d | 超时自动同意 → 超时未发货 |")


def test_dr_18_a_document_names_those_who_can_end_a_wait_without_deadline(reship_document: str) -> None:
    assert "| 平台仲裁中 | 平台 | 裁定补寄、裁定退款、裁定驳回 |" in reship_document
    assert "| 平台仲裁中 | 买家 | 撤销申请 |" in reship_document
