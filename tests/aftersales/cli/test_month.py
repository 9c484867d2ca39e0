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
from cases.shanghai import SHANGHAI
from tests.support.booking import bill, ended, expected, november

Command = Callable[..., Result]
ODD = '=S<script>"&'


@pytest.fixture
def month(aftersales: Command, tmp_path: Path) -> Command:
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.enter(expected("C1", amount="5.00"))
        ledger.enter(expected("C1", "CL-5", at=datetime(2026, 10, 30, tzinfo=SHANGHAI)))
        ledger.enter(expected("C2", amount="7.00", shop_id=ODD))
        ledger.enter(expected("D1", "JD-5", process="jd_delay_card"))
        ledger.bill(bill(order="OC1", amount="6.00", at=datetime(2026, 12, 1, tzinfo=SHANGHAI)))
        ledger.bill(bill("B2", order="OC9", amount="9.00", at=november(30, 23)))
        ledger.record_outcome(ended("C1", state_label="理赔不成立"))

    def command(*arguments: str | Path) -> Result:
        return aftersales("month", *arguments, AFTERSALES_DATA_DIR=str(tmp_path))

    return command


def test_tables_show_cases_money_and_shares(month: Command) -> None:
    done = month("--month", "2026-11", "--shop", "S1")
    assert done.exit_code == 0, done.output
    for text in ("理赔不成立 (dismissed)", "CL-3", "5.00", "9.00", "100.0% (1/1)", "2026-11-02 – 2026-11-08", "1-7"):
        assert text in done.stdout
    assert ODD not in done.stdout


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


def test_an_empty_month_says_so(month: Command, tmp_path: Path) -> None:
    done = month("--month", "2026-09", "--html", tmp_path / "page.html")
    assert done.stdout.splitlines()[0] == "2026-09: 没有案件结束,也没有入账 / no case ended and nothing was entered"
    assert "no case ended" in (tmp_path / "page.html").read_text(encoding="utf-8")
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
