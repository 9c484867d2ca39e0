"""Scenarios: what they mean, and every way in which a file can be wrong."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from aftersales.simulation.scenario import Scenario
from tests.support.places import EXAMPLES

ORIGIN = datetime.fromisoformat("2027-03-01T00:00:00+00:00")
SOUND = """\
process: douyin_reship
opened_at: "2026-01-05T09:00:00+08:00"
opening:
  shop_id: S1
  after_sale_id: A1
  order_id: "20260105"
  category_id: C1
  reason: other
  order_amount: "100.00"
  applied_at: "2026-01-05T08:00:00+08:00"
  received_at: -3d
  description: "2026-01-04"
policy:
  shipping: 24h
platform:
  settle:
    auto_agree: {rule: modify, form: {reason: other}, occurred_at: "2026-01-05T10:00:00+08:00"}
    lapse: withdraw
  fail: {agree_on_platform: business, settle: unreachable}
steps:
  - {at: 1h, act: agree}
  - {at: 2h, report: sign, message_id: m1, occurred_at: +1h, deadline: "2026-01-06T09:00:00+08:00"}
  - {at: 2h, expect: {state: [awaiting_shipment], status: open}}
  - {at: 3h, report: null, deadline: +4h}
until: 3h
"""


ACTS = """\
  - {at: 3h, act: ship, form: {carrier: SF, tracking_no: SF1}, occurred_at: +1h}
  - {at: 3h, act: done_by_hand, form: {serial: 2, note: 已办}, occurred_at: "2026-01-05T10:00:00+08:00"}
  - {at: 3h, act: done_by_hand}
  - {at: 3h, act: retry_effect, form: {serial: 2}}
until: 3h
"""


def scenario(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    return Scenario(path)


def test_offsets_count_from_the_run_and_absolute_instants_move_with_it(tmp_path: Path) -> None:
    read = scenario(tmp_path, SOUND)
    facts = read.opening(ORIGIN).facts
    assert datetime.fromisoformat(facts["applied_at"]) == ORIGIN - timedelta(hours=1)
    assert datetime.fromisoformat(facts["received_at"]) == ORIGIN - timedelta(days=3)
    message = read.message(1, ORIGIN)
    assert datetime.fromisoformat(message["occurred_at"]) == ORIGIN + timedelta(hours=1)
    assert datetime.fromisoformat(message["deadline"]) == ORIGIN + timedelta(days=1)
    assert read.script(ORIGIN).settle["auto_agree"].occurred_at == ORIGIN + timedelta(hours=1)


def test_g_11_an_act_may_say_when_it_was_done_in_truth(tmp_path: Path) -> None:
    read = scenario(tmp_path, SOUND.replace("until: 3h\n", ACTS))
    shipped, by_hand, alone, retried = (read.decision(number, ORIGIN) for number in range(4, 8))
    at = (ORIGIN + timedelta(hours=1)).isoformat()
    assert shipped == {"carrier": "SF", "tracking_no": "SF1", "occurred_at": at}
    assert by_hand == {"serial": 2, "note": "已办", "occurred_at": at}
    assert (alone, retried) == (None, {"serial": 2})
    assert read.decision(0, ORIGIN) is None


def test_the_order_of_an_act_is_among_what_is_sent(tmp_path: Path) -> None:
    example = (EXAMPLES / "scenarios" / "anxinjian_split_keep_all.yaml").read_text(encoding="utf-8")
    read = scenario(tmp_path, example)
    sent = [read.decision(number, ORIGIN) for number, step in enumerate(read.file.steps) if step.act and step.order]
    assert sent
    assert all(argument and argument["order"] for argument in sent)


def test_g_8_console_tasks_are_done_at_once_unless_the_scenario_says_wait(tmp_path: Path) -> None:
    for text, console in ((SOUND, "done"), (SOUND.replace("platform:\n", "platform:\n  console: wait\n"), "wait")):
        assert scenario(tmp_path, text).file.platform.console == console


def test_only_instants_are_taken_as_instants(tmp_path: Path) -> None:
    text = SOUND.replace('opened_at: "2026-01-05T09:00:00+08:00"\n', "")
    for absolute in ('"2026-01-05T08:00:00+08:00"', '"2026-01-05T10:00:00+08:00"', '"2026-01-06T09:00:00+08:00"'):
        text = text.replace(absolute, "+0s")
    facts = scenario(tmp_path, text).opening(ORIGIN).facts
    assert (facts["order_id"], facts["description"]) == ("20260105", "2026-01-04")


def test_the_policy_is_what_the_scenario_sets(tmp_path: Path) -> None:
    read = scenario(tmp_path, SOUND)
    assert read.opening(ORIGIN).policy["shipping"] == "24h"
    policy = read.process.open_case(read.opening(ORIGIN)).policy
    assert (policy.shipping.provenance, policy.buyer_window.value) == ("set", timedelta(hours=48))


def test_a_message_leaves_out_what_was_not_said(tmp_path: Path) -> None:
    assert set(scenario(tmp_path, SOUND).message(3, ORIGIN)) == {"deadline"}


WRONG: list[tuple[str, tuple[str, ...], str]] = [
    # the line that replaces one of the valid file, the place as the error names it, and what was expected
    ("process: douyin", ("douyin_reship",), "process: douyin_reship"),
    ("process: 5", ("process",), "process: douyin_reship"),
    ("proces: douyin_reship", ("proces",), "process: douyin_reship"),
    ("opened_at: yesterday", ("opened_at",), 'opened_at: "2026-01-05T09:00:00+08:00"'),
    ('opened_at: "2026-01-05T09:00:00"', ("opened_at", "timezone"), 'opened_at: "2026-01-05T09:00:00+08:00"'),
    ("  reason: lost", ("reason", "never_received"), "  reason: other"),
    ("  shop: S1", ("shop", "shop_id"), "  shop_id: S1"),
    ("  shop_id: 5", ("shop_id", "string"), "  shop_id: S1"),
    ("  order_amount: 1.005", ("order_amount",), '  order_amount: "100.00"'),
    ('  order_amount: "-1"', ("order_amount",), '  order_amount: "100.00"'),
    ("  received_at: last week", ("received_at",), "  received_at: -3d"),
    ("  received_at: 3 days", ("received_at",), "  received_at: -3d"),
    ("  received_at: -99999999d", ("received_at",), "  received_at: -3d"),
    ('  received_at: "2026-01-05T08:00:00"', ("received_at", "timezone"), "  received_at: -3d"),
    ('  applied_at: "9999-12-31T23:59:59+00:00"', ("applied_at",), '  applied_at: "2026-01-05T08:00:00+08:00"'),
    ("  shiping: 24h", ("shiping", "no such figure"), "  shipping: 24h"),
    ("  shipping: 24 hours", ("shipping", "47h59m"), "  shipping: 24h"),
    ("  shipping: 24", ("shipping", "duration"), "  shipping: 24h"),
    ("  shipping: -1h", ("shipping",), "  shipping: 24h"),
    ("  default_decision: agreed", ("default_decision", "agree, refuse"), "  shipping: 24h"),
    ("    auto: withdraw", ("platform.settle", "auto_agree"), "    lapse: withdraw"),
    ("    auto_complete: withdraw", ("platform.settle", "auto_agree"), "    lapse: withdraw"),
    ("    agree: withdraw", ("platform.settle", "auto_agree"), "    lapse: withdraw"),
    ("    lapse: withdrew", ("lapse", "withdrew", "withdraw"), "    lapse: withdraw"),
    ("    lapse: {rule: withdrew}", ("lapse", "withdrew", "withdraw"), "    lapse: withdraw"),
    ("    lapse: {when: +1h}", ("platform.settle.lapse", "when", "deadline"), "    lapse: withdraw"),
    ("    lapse: {deadline: soon}", ("platform.settle.lapse", "deadline"), "    lapse: withdraw"),
    ("    lapse: {rule: modify, form: {why: x}}", ("form.why", "reason"), "    lapse: withdraw"),
    ("    lapse: 5", ("platform.settle.lapse",), "    lapse: withdraw"),
    ("  fail: {agree: business}", ("platform.fail", "agree_on_platform"), "  fail: {agree_on"),
    ("  fail: {contact_buyer: business}", ("platform.fail", "agree_on_platform"), "  fail: {agree_on"),
    ("  fail: {agree_on_platform: broken}", ("fail", "unreachable"), "  fail: {agree_on"),
    ("  console: later", ("console", "wait"), "  fail: {agree_on"),
    ("  - {at: 1h, act: agree, occurred_at: soon}", ("occurred_at",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: agree, deadline: +1h}", ("deadline",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: done_by_hands}", ("act", "done_by_hand", "retry_effect"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: done_by_hand, order: O1}", ("order",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: done_by_hand, occurred_at: soon}", ("occurred_at",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: done_by_hand, form: {serial: x}}", ("serial", "integer"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: retry_effect, form: {step: 1}}", ("step", "serial"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: retry_effect, occurred_at: +0s}", ("occurred_at",), "  - {at: 1h, act: agree}"),
    ("  refuse: {}", ("platform", "refuse", "settle"), "  fail: {agree_on"),
    ("  - {at: 1 hour, act: agree}", ("at", "47h59m"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1, act: agree}", ("at", "duration"), "  - {at: 1h, act: agree}"),
    ("  - {at: -1h, act: agree}", ("at",), "  - {at: 1h, act: agree}"),
    ("  - {act: agree}", ("at",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: agreed}", ("act", "agreed", "agree"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: auto_agree}", ("act", "auto_agree"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: null}", ("act", "name of a rule"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: [agree]}", ("act", "string"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, do: agree}", ("do", "act"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h}", ("act, report, expect",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: agree, report: sign}", ("act, report, expect",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: agree, message_id: m1}", ("message_id",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: agree, form: {why: x}}", ("form.why",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: agree, form: [x]}", ("form",), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: refuse, form: {why: x}}", ("form.why", "reason"), "  - {at: 1h, act: agree}"),
    ("  - {at: 1h, act: refuse, form: {reason: 5}}", ("form.reason", "string"), "  - {at: 1h, act: agree}"),
    (
        "  - {at: 1h, act: refuse, form: {reason: x, after_consent: yes}}",
        ("after_consent",),
        "  - {at: 1h, act: agree}",
    ),
    ("  - agree at 1h", ("steps.0", "object"), "  - {at: 1h, act: agree}"),
    ("  - {at: 3h, act: agree}", ("order of time",), "  - {at: 1h, act: agree}"),
    ("  - {at: 2h, report: signed}", ("report", "signed", "sign"), "  - {at: 2h, report: sign,"),
    ("  - {at: 2h, report: null}", ("report", "deadline"), "  - {at: 2h, report: sign,"),
    ("  - {at: 2h, report: sign, occurred_at: soon}", ("occurred_at",), "  - {at: 2h, report: sign,"),
    ("  - {at: 2h, report: sign, deadline: 5}", ("deadline",), "  - {at: 2h, report: sign,"),
    ("  - {at: 2h, report: sign, message_id: ''}", ("message_id",), "  - {at: 2h, report: sign,"),
    ("  - {at: 2h, expect: {state: [shipped]}}", ("expect.state", "in_transit"), "  - {at: 2h, expect:"),
    ("  - {at: 2h, expect: {state: completed}}", ("state",), "  - {at: 2h, expect:"),
    ("  - {at: 2h, expect: {states: [completed]}}", ("states",), "  - {at: 2h, expect:"),
    ("  - {at: 2h, expect: {}}", ("state or status",), "  - {at: 2h, expect:"),
    ("  - {at: 2h, expect: null}", ("state or status",), "  - {at: 2h, expect:"),
    ("  - {at: 2h, expect: {status: finished}}", ("status", "closed"), "  - {at: 2h, expect:"),
    ("until: 2h", ("until", "last step"), "until: 3h"),
    ("until: 9999d", ("until",), "until: 3h"),
    ("until: tomorrow", ("until",), "until: 3h"),
    ("untill: 3h", ("untill",), "until: 3h"),
]


ELSEWHERE = {"  shop: S1": 3, "  shipping: -1h": 13, "  - {at: 3h, act: agree}": 22}
"""Lines whose fault is reported for another line: a missing field, a next step that comes too early."""


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize(("line", "words", "instead_of"), WRONG, ids=[line.strip() for line, *_ in WRONG])
def test_the_fault_of_a_scenario_takes_one_line(
    aftersales: Callable[..., Result],
    tmp_path: Path,
    line: str,
    words: tuple[str, ...],
    instead_of: str,
    options: tuple[str, ...],
) -> None:
    lines = SOUND.splitlines()
    number = next(number for number, sound in enumerate(lines) if sound.startswith(instead_of))
    path = tmp_path / "case.yaml"
    path.write_text("\n".join([*lines[:number], line, *lines[number + 1 :]]), encoding="utf-8")
    result = aftersales("simulate", path, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    (message,) = result.stderr.splitlines()
    assert message.startswith(f"aftersales: {path}:{ELSEWHERE.get(line, number + 1)}: "), message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("opening", "opening.applied_at"),
        ("settle", "platform.settle.auto_agree.occurred_at"),
        ("report", "steps.1.deadline"),
    ],
)
def test_an_absolute_instant_needs_opened_at(
    aftersales: Callable[..., Result], tmp_path: Path, field: str, place: str
) -> None:
    data: dict[str, Any] = yaml.safe_load(SOUND)
    del data["opened_at"]
    absolute = "2026-01-05T12:00:00+08:00"
    data["opening"]["applied_at"] = absolute if field == "opening" else "+0s"
    data["platform"]["settle"]["auto_agree"]["occurred_at"] = absolute if field == "settle" else "+0s"
    data["steps"][1]["deadline"] = absolute if field == "report" else "+0s"
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    result = aftersales("simulate", path, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    (message,) = result.stderr.splitlines()
    assert f"{place}: an absolute instant needs opened_at" in message


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n", "a: 1\na: 2\n", "{}\n"])
def test_a_file_that_is_not_a_scenario_is_refused(aftersales: Callable[..., Result], tmp_path: Path, text: str) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    result = aftersales("simulate", path)
    assert (result.exit_code, result.stdout) == (2, "")
    (message,) = result.stderr.splitlines()
    assert message.startswith(f"aftersales: {path}:")


def test_a_missing_file(aftersales: Callable[..., Result], tmp_path: Path) -> None:
    result = aftersales("simulate", tmp_path / "nowhere.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"aftersales: {tmp_path / 'nowhere.yaml'}: No such file or directory\n"
