"""The month's figures as the command prints them."""

import csv
import json
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import Result

from aftersales.ledger.store import SqlLedger
from cases.ledger import Undone
from cases.shanghai import SHANGHAI
from tests.support.records.booking import bill, decided, ended, expected, november, recorded

Command = Callable[..., Result]
ODD = '=S<script>"&'


@pytest.fixture
def month(aftersales: Command, tmp_path: Path) -> Command:
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        appeal = expected("C1", "CL-5", at=datetime(2026, 10, 30, tzinfo=SHANGHAI), counted=True)
        missed = {"state_label": "理赔不成立", "decided_before_deadline": False, "clocks_run_out": 1}
        decisions = (decided("1"), decided("2", actor=None, way="default"), decided("3", way="web_ui", actor=ODD))
        ledger.record(recorded(expected("C1", amount="5.00"), appeal, *decisions, ended("C1", **missed)))
        ledger.record(recorded(expected("C2", amount="7.00", shop_id=ODD), shop_id=ODD))
        ledger.record(recorded(expected("D1", "JD-5", process="jd_delay_card", counted=True)))
        ledger.record(recorded(expected("C4", "DR-11")))
        ledger.bill(bill(order="OC1", amount="6.00", at=datetime(2026, 12, 1, tzinfo=SHANGHAI)))
        ledger.bill(bill("B2", order="OC9", amount="9.00", at=november(30, 23)))

    def command(*arguments: str | Path) -> Result:
        return aftersales("month", *arguments, AFTERSALES_DATA_DIR=str(tmp_path))

    return command


def test_tables_show_cases_money_and_shares(month: Command) -> None:
    done = month("--month", "2026-11", "--shop", "S1")
    assert done.exit_code == 0, done.output
    for text in ("理赔不成立 (dismissed)", "CL-3", "5.00", "9.00", "100.0% (1/1)", "2026-11-02 – 2026-11-08", "1-7"):
        assert text in done.stdout
    assert f"· {ODD}" not in done.stdout


def test_g_9_the_weekly_score_is_counted_with_the_figures_of_the_shop(
    aftersales: Command, month: Command, tmp_path: Path
) -> None:
    shops = tmp_path / "shops.yaml"
    shops.write_text("S1: {jd_shipment: {score_a_late_order: 3, score_a_week: 9}}", encoding="utf-8")
    asked = ("month", "--month", "2026-11", "--shop", "S1", "--json")
    done = aftersales(*asked, AFTERSALES_DATA_DIR=str(tmp_path), AFTERSALES_SHOPS_FILE=str(shops))
    (mine,) = json.loads(done.stdout)["shops"]
    assert [week["score"] for week in mine["weeks"]] == ["3-9"]


def test_g_13_tables_and_json_say_who_decided_and_which_case_missed_a_deadline(month: Command) -> None:
    printed = " ".join(month("--month", "2026-11", "--shop", "S1").stdout.split())
    for text in ("wang", "命令行", "网页", "默认决定", "claim_1688/C1"):
        assert text in printed
    (mine,) = json.loads(month("--month", "2026-11", "--shop", "S1", "--json").stdout)["shops"]
    assert {"party": "merchant", "actor": "wang", "way": "command", "decisions": 1} in mine["decisions"]
    (missed,) = mine["missed"]
    assert (missed["case_id"], missed["actors"], missed["clocks_run_out"]) == ("claim_1688/C1", ["wang", ODD], 1)


def test_the_deadline_that_was_missed_is_named_in_every_form(month: Command, tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.record(recorded(expected("OD1", "DS-6", november(7), process="douyin_shipment", counted=True)))
    files = ("--csv", tmp_path / "f.csv", "--html", tmp_path / "f.html")
    printed = " ".join(month("--month", "2026-11", "--shop", "S1", *files).stdout.split())
    for text in ("douyin_shipment/OD1", "发货超时 11-07", "未结束 / open", "只列账目写明错过哪个时限的"):
        assert text in printed
    assert "发货超时(11-07)" in (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "2026-11,S1,missed,douyin_shipment/OD1,clocks,发货超时 11-07" in (tmp_path / "f.csv").read_text("utf-8-sig")
    (mine,) = json.loads(month("--month", "2026-11", "--shop", "S1", "--json").stdout)["shops"]
    (still_open,) = [case for case in mine["missed"] if case["closed"] is None]
    assert still_open["clocks"] == [{"label": "发货超时", "day": "2026-11-07", "order": "OOD1"}]


def test_an_unknown_amount_is_said_to_be_unknown_in_every_form(month: Command, tmp_path: Path) -> None:
    files = ("--csv", tmp_path / "f.csv", "--html", tmp_path / "f.html")
    printed = "".join(month("--month", "2026-11", "--shop", "S1", *files).stdout.split())
    assert "笔金额未知" in printed
    assert "1 笔金额未知" in (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "2026-11,S1,expected,DR-11,unknown,1" in (tmp_path / "f.csv").read_text(encoding="utf-8-sig")
    (mine,) = json.loads(month("--month", "2026-11", "--shop", "S1", "--json").stdout)["shops"]
    unknown = {rule["clause"]: rule["expected"]["unknown"] for rule in mine["rules"]}
    assert unknown == {"CL-3": 0, "DR-11": 1, "JD-5": 0}


def test_ds_8_income_is_shown_apart_from_penalties_in_every_form(month: Command, tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        got = expected("I1", "DS-8", process="douyin_interception", amount="300.00", income=True)
        ledger.record(recorded(got))
        ledger.bill(bill("B3", "DS-8", order="OI1", amount="250.00", income=True))
    files = ("--csv", tmp_path / "f.csv", "--html", tmp_path / "f.html")
    printed = " ".join(month("--month", "2026-11", "--shop", "S1", *files).stdout.split())
    for text in ("收入 / income", "300.00", "250.00", "5.00 - 300.00 = -295.00", "9.00 - 250.00 = -241.00"):
        assert text in printed
    assert "收入 / income: 1 笔" not in printed
    assert "支出 / lost: 1 笔金额未知 / of unknown amount" in printed
    assert "<h3>收入</h3>" in (tmp_path / "f.html").read_text(encoding="utf-8")
    lines = (tmp_path / "f.csv").read_text(encoding="utf-8-sig").splitlines()
    assert {"2026-11,S1,expected_income,DS-8,amount,300.00", "2026-11,S1,expected_net,,net,-295.00"} <= set(lines)
    (mine,) = json.loads(month("--month", "2026-11", "--shop", "S1", "--json").stdout)["shops"]
    assert "DS-8" not in {rule["clause"] for rule in mine["rules"]}
    assert [(rule["clause"], rule["answered"]) for rule in mine["income"]] == [("DS-8", 1)]
    assert mine["expected_net"]["net"] == "-295.00"


def test_jd_14_an_order_that_two_cases_saw_late_is_one_late_order_until_it_is_taken_back(
    month: Command, tmp_path: Path
) -> None:
    late = {"counted": True, "once_an_order": True, "about": "OD9"}

    def late_orders() -> list[int]:
        (mine,) = json.loads(month("--month", "2026-11", "--shop", "S1", "--json").stdout)["shops"]
        return [week["late_orders"] for week in mine["weeks"]]

    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.record(recorded(expected("OD9", "JD-10", november(3), process="jd_shipment", **late)))
        ledger.record(recorded(expected("OD9", "JD-14", november(4), process="jd_delay_card", **late)))
        assert late_orders() == [2]  # with D1's
        back = Undone(clauses=("JD-10", "JD-14"), order="OD9", at=november(5), key="accept/1")
        ledger.record(recorded(case_id="jd_delay_card/OD9x", process="jd_delay_card", undone=(back,)))
        assert late_orders() == [1]


def test_json_is_all_that_is_printed_and_loses_no_digit(month: Command, tmp_path: Path) -> None:
    figures = json.loads(month("--month", "2026-11", "--json", "--csv", tmp_path / "f.csv").stdout)
    assert (figures["month"], [shop["shop"] for shop in figures["shops"]]) == ("2026-11", [ODD, "S1"])
    mine = figures["shops"][1]
    assert mine["appeals_won"] == {"many": 1, "of": 1, "share": "1.0000"}
    (claims,) = [rule for rule in mine["rules"] if rule["clause"] == "CL-3"]
    assert (claims["expected"]["amount"], claims["billed"]["amount"]) == ("5.00", "9.00")
    assert (claims["answered"], claims["unexpected"]) == (1, 1)


def test_a_spreadsheet_gets_one_figure_a_line_and_no_formula(month: Command, tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    assert month("--month", "2026-11", "--csv", path).exit_code == 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert ("2026-11", "S1", "expected", "CL-3", "amount", "5.00") in rows
    assert ("2026-11", f"'{ODD}", "expected", "CL-3", "amount", "7.00") in rows
    assert ("2026-11", "S1", "cases", "claim_1688 dismissed", "cases", "1") in rows


def test_a_page_is_self_contained_and_escapes_text(month: Command, tmp_path: Path) -> None:
    class Seen(HTMLParser):
        tags: set[str] = set()
        links: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.add(tag)
            self.links += [name for name, _ in attrs if name in ("src", "href", "onload")]

    path, seen = tmp_path / "page.html", Seen()
    assert month("--month", "2026-11", "--html", path).exit_code == 0
    text = path.read_text(encoding="utf-8")
    seen.feed(text)
    assert {"svg", "rect", "table"} <= seen.tags
    assert "script" not in seen.tags
    assert seen.links == []
    assert "=S&lt;script&gt;" in text


def test_a_page_says_what_was_lost_by_name_the_dearest_case_and_who_missed_a_deadline(
    month: Command, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    assert month("--month", "2026-11", "--shop", "S1", "--html", path).exit_code == 0
    text = path.read_text(encoding="utf-8")
    for words in (
        "共损失 <b>15.00 元 + 1 笔金额未知</b>",
        "上月 0.00 元,多 15.00 元",
        "赔付违约金,从保证金扣除",
        "1688理赔 C1",
        f"wang、{'=S&lt;script&gt;&#34;&amp;'}(决定)",
    ):
        assert words in text
    assert "CL-3" not in text


def test_without_a_server_a_page_says_that_what_is_at_stake_is_unknown(month: Command, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert month("--month", "2026-11", "--shop", "S1", "--html", path).exit_code == 0
    text = path.read_text(encoding="utf-8")
    assert "2 件,涉及 <b>金额未知</b>" in text


def test_an_empty_month_says_so(month: Command, tmp_path: Path) -> None:
    done = month("--month", "2026-09", "--html", tmp_path / "page.html")
    words = "没有案件结束,没有决定,也没有入账 / no case ended, nothing was decided and nothing was entered"
    assert done.stdout.splitlines()[0] == f"2026-09: {words}"
    assert "没有案件结束,没有决定,也没有入账" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert json.loads(month("--month", "2026-09", "--json").stdout) == {"month": "2026-09", "shops": []}


def test_asking_for_figures_makes_no_ledger(aftersales: Command, tmp_path: Path) -> None:
    done = aftersales("month", "--month", "2026-11", AFTERSALES_DATA_DIR=str(tmp_path / "none"))
    assert "no case ended" in done.stdout
    assert not (tmp_path / "none").exists()


def test_without_a_month_it_is_the_current_one_in_shanghai(month: Command) -> None:
    (before, printed, after) = (
        f"{datetime.now(SHANGHAI):%Y-%m}",
        json.loads(month("--json").stdout)["month"],
        f"{datetime.now(SHANGHAI):%Y-%m}",
    )
    assert printed in (before, after)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--month", "2026-13"],
        ["--month", "2026-11", "--csv", "no/such/folder.csv"],
    ],
)
def test_bad_input_ends_with_one_line(month: Command, arguments: list[str]) -> None:
    done = month(*arguments)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_a_ledger_that_does_not_answer_is_reported_without_its_password(aftersales: Command, tmp_path: Path) -> None:
    address = "postgresql+psycopg://operator:hidden@127.0.0.1:1/ledger"
    done = aftersales("month", "--month", "2026-11", AFTERSALES_LEDGER_URL=address)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "hidden" not in done.output
