"""The meaning of Douyin's messages about reships for their cases."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aftersales.platforms.douyin.reship_reading import KNOWN, case_of, instant, needs_record, report_of
from aftersales.platforms.inbound import CaseKey
from cases.errors import BadForm
from tests.support.platforms.pushing import SHOP, content
from workflows.registry import PROCESSES

RULES = PROCESSES["douyin_reship"].chart.rules
AT = "2026-01-05T09:00:00+08:00"
AT_SECONDS = int(datetime.fromisoformat(AT).timestamp())

MEANINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("200", {}, []),
    ("206", {}, ["miss_shipment", "rule_refund"]),
    ("207", {}, ["withdraw", "rule_dismiss", "lapse"]),
    ("208", {}, ["modify"]),
    ("226", {}, ["ship"]),
    ("227", {"after_sale_status": 8}, ["agree", "auto_agree"]),
    ("212", {}, ["request_intervention", "refuse"]),
    ("212", {"arbitrate_status": 1}, ["request_intervention", "refuse"]),
    ("212", {"arbitrate_status": 255}, []),
    ("212", {"arbitrate_status": 4}, ["request_intervention", "refuse"]),
    ("217", {"arbitrate_status": 1}, ["request_intervention", "refuse"]),
    ("217", {"arbitrate_status": 5}, ["request_intervention", "refuse"]),
    ("213", {"arbitrate_status": 4}, ["ask_evidence"]),
    ("214", {"arbitrate_status": 1}, []),
    ("218", {"arbitrate_status": 5}, []),
    ("215", {"arbitrate_status": 255}, []),
    ("215", {"arbitrate_status": 255, "aftersale_status": 28}, []),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 0, "aftersale_status": 28}, []),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 1, "aftersale_status": 8}, ["rule_reship"]),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 1, "aftersale_status": 27}, ["rule_reship"]),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 1, "aftersale_status": 12}, ["rule_refund"]),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 1, "aftersale_status": 99}, []),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 2, "aftersale_status": 28}, ["rule_dismiss"]),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 3, "aftersale_status": 12}, ["rule_refund"]),
    ("215", {"arbitrate_status": 255, "arbitrate_conclusion": 2, "aftersale_status": 28}, ["rule_dismiss"]),
    ("216", {"arbitrate_status": "255", "arbitrate_conclusion": "2", "aftersale_status": "28"}, ["rule_dismiss"]),
    ("216", {"arbitrate_status": 2, "arbitrate_conclusion": 2, "aftersale_status": 28}, ["rule_dismiss"]),
    ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 9, "aftersale_status": 28}, []),
    ("216", {"arbitrate_status": 3, "aftersale_status": 28}, ["rule_dismiss"]),
    ("216", {"arbitrate_status": 2, "aftersale_status": 8}, ["rule_reship"]),
    ("215", {"arbitrate_status": 2, "aftersale_status": 12}, ["rule_refund"]),
    ("216", {"arbitrate_status": 2, "aftersale_status": 99}, []),
    ("216", {"arbitrate_status": [2], "aftersale_status": {}}, []),
]


@pytest.mark.parametrize(("tag", "fields", "rules"), MEANINGS)
def test_each_tag_means_its_rules(tag: str, fields: dict[str, Any], rules: list[str]) -> None:
    data = content(**fields)
    assert case_of(tag, data) == CaseKey("douyin_reship", SHOP, "1001")
    report = report_of(tag, "m1", data)
    if not rules:
        assert report is None
        return
    assert report
    assert [report.rule, *report.otherwise] == rules
    assert report.message_id == "m1"


def test_every_tag_is_in_the_table_above_and_every_rule_in_the_chart() -> None:
    assert {tag for tag, _, _ in MEANINGS} | {"209"} == KNOWN
    assert {rule for _, _, rules in MEANINGS for rule in rules} <= set(RULES)


def test_g_1_a_changed_deadline_is_reported_without_a_rule() -> None:
    report = report_of("209", "m1", content(status_deadline=AT_SECONDS, update_time=AT_SECONDS - 60))
    assert report
    assert (report.rule, report.deadline) == (None, datetime.fromtimestamp(AT_SECONDS, UTC))
    assert report.occurred_at == datetime.fromtimestamp(AT_SECONDS - 60, UTC)  # of two, that set later counts (G-12)


def test_g_1_a_changed_deadline_in_milliseconds_is_that_instant() -> None:
    report = report_of("209", "m1", content(status_deadline=AT_SECONDS * 1000))
    assert report
    assert report.deadline == datetime.fromtimestamp(AT_SECONDS, UTC)


@pytest.mark.parametrize("deadline", [None, 0, "soon", {}])
def test_a_changed_deadline_that_is_none_is_refused(deadline: Any) -> None:
    with pytest.raises(BadForm, match="status_deadline"):
        report_of("209", "m1", content(status_deadline=deadline))


@pytest.mark.parametrize(
    "update_time",
    [AT, AT_SECONDS, str(AT_SECONDS), AT_SECONDS * 1000, str(AT_SECONDS * 1000 + 999), "2026-01-05T01:00:00Z"],
)
def test_when_it_happened_comes_as_text_or_as_a_number_of_seconds_or_milliseconds(update_time: Any) -> None:
    report = report_of("227", "m1", content(update_time=update_time))
    assert report
    assert report.occurred_at == datetime.fromtimestamp(AT_SECONDS, UTC)


NO_INSTANTS = [None, "", "soon", 0, -1, 10**30, "9" * 30, True, [], {}, float("nan"), float("inf")]


@pytest.mark.parametrize(
    "value", [*NO_INSTANTS, "2026-01-05T09:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59Z"]
)
def test_an_invalid_instant_is_left_out(value: Any) -> None:
    assert instant(value) is None
    report = report_of("227", "m1", content(update_time=value))
    assert report
    assert report.occurred_at is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("一直未收到货", "never_received"),
        (" 少发 ", "short_shipped"),
        ("商家少发/漏发", "short_shipped"),
        ("破损", "other"),
    ],
)
def test_dr_15_a_modification_says_its_new_reason(text: str, reason: str) -> None:
    report = report_of("208", "m1", content(reason=text, reason_remark="少了一件", update_time=AT))
    assert report
    assert report.form == {"reason": reason, "description": "少了一件"}
    assert not needs_record(report)


def test_dr_15_a_modification_without_a_reason_takes_it_from_the_record() -> None:
    report = report_of("208", "m1", content(update_time=AT))
    assert report
    assert needs_record(report)


@pytest.mark.parametrize("tag", ["206", "207", "226"])
def test_dr_18_what_a_message_leaves_open_is_read_from_the_record(tag: str) -> None:
    report = report_of(tag, "m1", content(update_time=AT))
    assert report
    assert needs_record(report)


@pytest.mark.parametrize(
    ("tag", "fields"),
    [
        ("209", {"status_deadline": AT_SECONDS}),
        ("216", {"arbitrate_status": 255, "arbitrate_conclusion": 1, "aftersale_status": 8}),
    ],
)
def test_g_12_a_message_that_does_not_say_when_it_happened_is_checked_against_the_record(
    tag: str, fields: dict[str, Any]
) -> None:
    undated, dated = report_of(tag, "m1", content(**fields)), report_of(tag, "m1", content(update_time=AT, **fields))
    assert undated
    assert dated
    assert (needs_record(undated), needs_record(dated)) == (True, False)


def test_dr_20_until_when_evidence_is_wanted_is_read_from_the_message_or_from_the_record() -> None:
    said = report_of(
        "213", "m1", content(update_time=AT, arbitrate_status=4, arbitrate_status_deadline=str(AT_SECONDS))
    )
    silent = report_of("213", "m1", content(update_time=AT, arbitrate_status=4))

    assert said
    assert silent
    assert said.form == {"until": datetime.fromtimestamp(AT_SECONDS, UTC).isoformat()}
    assert (needs_record(said), needs_record(silent)) == (False, True)


@pytest.mark.parametrize("carrier", ["company_code", "company_name"])
def test_a_shipment_names_its_parcel_where_the_message_does(carrier: str) -> None:
    report = report_of("226", "m1", content(tracking_no="SF1", **{carrier: "SF"}))
    assert report
    assert report.form == {"carrier": "SF", "tracking_no": "SF1"}
    nameless = report_of("226", "m1", content(tracking_no="SF1"))
    assert nameless
    assert nameless.form is None


@pytest.mark.parametrize("fields", [{"aftersale_type": 0}, {"aftersale_type": None}, {"aftersale_type": True}])
def test_other_after_sales_are_not_ours(fields: dict[str, Any]) -> None:
    assert case_of("200", content(**fields)) is None


@pytest.mark.parametrize("tag", ["", "0", "104", "126", "201", "203", "204", "205", "211", "219"])
def test_other_tags_are_not_ours(tag: str) -> None:
    assert case_of(tag, content()) is None


@pytest.mark.parametrize("name", ["shop_id", "aftersale_id"])
@pytest.mark.parametrize("value", [None, "", "A/1", "１２", 0, -1, True, 1.5, 10**40, "1" * 40, {}])
def test_a_reship_without_its_ids_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadForm, match=name):
        case_of("200", {**content(), name: value})
