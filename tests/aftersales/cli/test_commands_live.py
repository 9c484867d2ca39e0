"""The commands on open cases, against what ``aftersales up`` has started."""

import asyncio
import json
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from temporalio.client import Client

from tests.support.patience import PATIENCE_SECONDS
from tests.support.processes.claims import claim_facts
from tests.support.programs.embedded import UP, Embedded, settings_of
from tests.support.rules.playing import reship
from tests.support.temporal.senders import steps_named
from workflows.registry import PROCESSES
from workflows.replay.open_cases import where_of
from workflows.replay.replayer import recorded

SANDBOX_SHOP = "1001"
ROW = ("case_id", "process", "status", "state", "deadline", "waits_for", "shop", "order", "at_stake", "needs_operator")

Command = Callable[..., Result]
Open = Callable[..., str]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """With a sample case, whose shop the sandbox therefore knows."""
    samples = tmp_path_factory.mktemp("samples")
    sample = {"process": "douyin_reship", "opening": reship(own_id="1", order_id="2", shop_id=SANDBOX_SHOP)}
    (samples / "reship.yaml").write_text(yaml.safe_dump(sample))
    settings = settings_of(tmp_path_factory.mktemp("data"))
    started = Embedded(settings, (*UP, "--samples", str(samples))).ready()
    yield started
    assert started.interrupt() == 0


@pytest.fixture
def command(embedded: Embedded, aftersales: Command) -> Command:
    def run(*arguments: str | Path, **env: str) -> Result:
        return aftersales(*arguments, TEMPORAL_ADDRESS=embedded.address, TEMPORAL_CONFIG_FILE="/dev/null", **env)

    return run


@pytest.fixture
def case_file(tmp_path: Path) -> Callable[..., Path]:
    def write(policy: dict[str, Any] | None = None, **facts: Any) -> Path:
        opening = reship(**{"own_id": uuid.uuid4().hex[:12], **facts})
        path = tmp_path / f"{uuid.uuid4().hex}.yaml"
        path.write_text(yaml.safe_dump({"process": "douyin_reship", "opening": opening, "policy": policy or {}}))
        return path

    return write


@pytest.fixture
def open_case(command: Command, case_file: Callable[..., Path]) -> Open:
    def opened(**facts: Any) -> str:
        (row,) = json.loads(command("open", case_file(**facts), "--json").stdout)
        return str(row["case_id"])

    return opened


@pytest.fixture
def applied(embedded: Embedded, command: Command) -> str:
    """The case of a buyer who has applied in the sandbox, whose message has opened it."""
    own = {name: embedded.environment[name] for name in ("AFTERSALES_DATA_DIR", "AFTERSALES_SANDBOX_PORT")}
    fields = [f"--form={field}" for field in (f"shop_id={SANDBOX_SHOP}", "reason=未收到货", "amount=100.00")]
    record = json.loads(command("sandbox", "--apply", *fields, "--json", **own).stdout)
    case = f"douyin_reship/{record['after_sale_id']}"
    until = time.monotonic() + PATIENCE_SECONDS
    while command("show", case).exit_code != 0:
        assert time.monotonic() < until, "no message has opened the case"
        time.sleep(0.05)
    return case


def complaint(result: Result, status: int) -> str:
    """Return the single line that a command prints on standard error."""
    assert (result.exit_code, result.stdout) == (status, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("aftersales: ")
    return line


def shown(command: Command, case: str) -> Any:
    return json.loads(command("show", case, "--json").stdout)


def listed(command: Command, count: int, *options: str) -> list[dict[str, Any]]:
    """Return the rows of ``list`` once they are right: Temporal updates them a moment after the case itself."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        rows: list[dict[str, Any]] = json.loads(command("list", "--json", *options).stdout)
        if len(rows) == count or time.monotonic() > until:
            assert len(rows) == count, rows
            return rows
        time.sleep(0.05)


def test_the_first_line_of_up_says_that_the_platforms_are_pretended(embedded: Embedded) -> None:
    assert embedded.printed[0].startswith("platforms are pretended by the sandbox")


def test_the_first_line_of_up_says_that_real_shops_are_acted_upon(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.yaml"
    secrets.write_text("douyin: {apps: [], shops: []}\n")
    secrets.chmod(0o600)
    started = Embedded(settings_of(tmp_path / "data") | {"AFTERSALES_SECRETS_FILE": str(secrets)}).ready()
    assert started.interrupt() == 0
    assert started.printed[0].startswith(f"real shops: the credentials of {secrets} ")


def test_opening_twice_is_opening_once(command: Command, case_file: Callable[..., Path]) -> None:
    first, again = case_file(own_id="twice"), case_file(own_id="twice", reason="other", order_amount="5.00")
    for path, opened in ((first, True), (again, False)):
        result = command("open", path, "--json")
        assert (result.exit_code, json.loads(result.stdout)) == (
            0,
            [{"case_id": "douyin_reship/twice", "opened": opened}],
        )
    assert shown(command, "douyin_reship/twice")["facts"]["order_amount"] == "100.00"
    again = command("open", first)
    assert (again.exit_code, again.stdout) == (0, "douyin_reship/twice: 此前已新建 / was opened before\n")


def test_dr_12_a_closed_case_is_not_opened_again(command: Command, case_file: Callable[..., Path]) -> None:
    path = case_file(own_id="closed")
    command("open", path)
    assert command("act", "douyin_reship/closed", "withdraw").exit_code == 0
    assert json.loads(command("open", path, "--json").stdout)[0]["opened"] is False


def test_one_bad_file_and_none_is_opened(command: Command, case_file: Callable[..., Path]) -> None:
    good, bad = case_file(own_id="good"), case_file(own_id="bad", reason="lost")
    assert f"{bad}:" in complaint(command("open", good, bad), 2)
    assert "no such case" in complaint(command("show", "douyin_reship/good"), 2)


def test_g_9_a_shops_later_figures_leave_an_open_case_alone(
    command: Command, case_file: Callable[..., Path], tmp_path: Path
) -> None:
    shops, path = tmp_path / "shops.yaml", case_file(own_id="figures", shop_id="2001")
    for hours in ("12h", "1h"):
        shops.write_text(f"2001: {{douyin_reship: {{merchant_handling: {hours}}}}}\n")
        assert command("open", path, AFTERSALES_SHOPS_FILE=str(shops)).exit_code == 0
    seen = shown(command, "douyin_reship/figures")
    assert (seen["policy"]["merchant_handling"]["value"], seen["policy"]["merchant_handling"]["provenance"]) == (
        "12h",
        "set",
    )
    due = datetime.fromisoformat(seen["deadlines"][0]["due"])
    assert due - datetime.fromisoformat(seen["facts"]["applied_at"]) == timedelta(hours=12)


def test_a_bad_file_of_shops_opens_nothing(command: Command, case_file: Callable[..., Path], tmp_path: Path) -> None:
    shops = tmp_path / "shops.yaml"
    shops.write_text("S1:\n  douyin_reship:\n    shiping: 12h\n")
    line = complaint(command("open", case_file(own_id="unopened"), AFTERSALES_SHOPS_FILE=str(shops)), 2)
    assert f"{shops}:3: " in line
    assert "no such case" in complaint(command("show", "douyin_reship/unopened"), 2)


def test_cases_are_listed_by_deadline(command: Command, open_case: Open) -> None:
    shop = uuid.uuid4().hex[:8]
    ages = {"-1h": "", "-40h": "", "-20h": ""}
    ages |= {age: open_case(shop_id=shop, applied_at=age) for age in ages}
    judged = open_case(shop_id=shop, applied_at="-2h")
    assert command("report", judged, "refuse", "--form", "reason=x").exit_code == 0
    listed(command, 4, "--shop", shop)
    rows = settled(command, shop, judged)
    assert [row["case_id"] for row in rows] == [ages["-40h"], ages["-20h"], ages["-1h"], judged]
    assert all(tuple(row) == ROW for row in rows)
    first = rows[0]
    assert (first["process"], first["status"], first["shop"], first["order"]) == (
        "douyin_reship",
        "running",
        shop,
        "O1",
    )
    assert (first["state"], first["waits_for"], first["at_stake"]) == ("待商家处理", "商家", 100.0)
    assert first["needs_operator"] is False
    assert rows[-1]["deadline"] is None
    assert "100.00" in command("list", "--shop", shop).stdout


def settled(command: Command, shop: str, judged: str) -> list[dict[str, Any]]:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        rows = listed(command, 4, "--shop", shop)
        if next(row for row in rows if row["case_id"] == judged)["state"] == "平台仲裁中":
            return rows
        assert time.monotonic() < until, rows
        time.sleep(0.05)


def test_the_list_is_narrowed_and_closed_cases_are_left_out(command: Command, open_case: Open) -> None:
    shop = uuid.uuid4().hex[:8]
    stays, goes = open_case(shop_id=shop), open_case(shop_id=shop)
    listed(command, 2, "--shop", shop, "--process", "douyin_reship")
    command("act", goes, "withdraw")
    (row,) = listed(command, 1, "--shop", shop)
    assert row["case_id"] == stays
    both = listed(command, 2, "--shop", shop, "--all")
    assert {row["case_id"]: row["status"] for row in both} == {stays: "running", goes: "completed"}
    assert len(listed(command, 1, "--shop", shop, "--all", "--limit", "1")) == 1
    assert listed(command, 0, "--shop", "nobody's 'shop'") == []
    assert [row["case_id"] for row in listed(command, 1, "--shop", shop, "--order", "O1")] == [stays]
    assert listed(command, 0, "--shop", shop, "--order", "O2") == []


def test_g_11_a_case_that_a_late_fact_could_still_put_right_is_not_listed_as_open(
    command: Command, tmp_path: Path
) -> None:
    shop, own_id = uuid.uuid4().hex[:8], uuid.uuid4().hex[:12]
    facts = {**claim_facts(own_id, datetime.now(UTC) - timedelta(hours=50)), "shop_id": shop}
    path = tmp_path / "claim.yaml"
    path.write_text(yaml.safe_dump({"process": "claim_1688", "opening": facts}))
    case = f"claim_1688/{own_id}"
    assert command("open", path, "--yes").exit_code == 0
    (row,) = listed(command, 1, "--shop", shop, "--all")
    until = time.monotonic() + PATIENCE_SECONDS
    while shown(command, case)["status"] != "closed" and time.monotonic() < until:
        time.sleep(0.05)
    assert listed(command, 0, "--shop", shop) == []
    (row,) = listed(command, 1, "--shop", shop, "--all")
    assert (row["case_id"], row["status"], row["deadline"], row["waits_for"]) == (case, "running", None, None)
    assert "系统判定成立" in row["state"]


def test_people_read_a_table(command: Command, open_case: Open) -> None:
    shop = uuid.uuid4().hex[:8]
    case = open_case(shop_id=shop)
    listed(command, 1, "--shop", shop)
    table = command("list", "--shop", shop).stdout
    assert [text for text in (case, "待商家处理", "还剩 47h59m", "商家", shop, "100.0") if text not in table] == []


def test_a_case_is_shown(command: Command, open_case: Open) -> None:
    case = open_case(reason="short_shipped")
    seen = shown(command, case)
    assert (seen["case_id"], seen["state"], seen["status"]) == (case, ["awaiting_merchant"], "open")
    assert [entry["rule"] for entry in seen["actions"]] == ["agree", "refuse", "mark_out_of_stock", "withdraw"]
    printed = command("show", case)
    assert printed.exit_code == 0
    assert [text for text in (case, "待商家处理", "agree", "DR-4", "超时自动同意") if text not in printed.stdout] == []


def test_acting_and_being_refused(command: Command, applied: str) -> None:
    case = applied
    done = command("act", case, "agree")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "待补寄发货" in done.stdout
    assert "平台已受理 / taken" in done.stdout
    refused = complaint(command("act", case, "agree"), 1)
    assert "awaiting_shipment" in refused
    assert "ship" in refused
    answer = json.loads(
        command("act", case, "ship", "--form", "carrier=SF", "--form", "tracking_no=SF1", "--json").stdout
    )
    assert (answer["state"], answer["status"]) == (["in_transit"], "open")
    assert (answer["decision"], bool(answer["said"])) == ("taken", True)
    assert [entry["rule"] for entry in shown(command, case)["timeline"]] == ["agree", "ship"]


def test_g_10_a_decision_for_a_shop_without_credentials_says_so_and_counts_once_done_by_hand(
    command: Command, open_case: Open
) -> None:
    case = open_case()
    sent = command("act", case, "agree", "--as", "王五")
    assert (sent.exit_code, sent.stderr) == (0, "")
    assert [text for text in ("待商家处理", "提交中 / being submitted") if text not in sent.stdout] == []

    until = time.monotonic() + PATIENCE_SECONDS
    while not (seen := shown(command, case))["needs_operator"] and time.monotonic() < until:
        time.sleep(0.05)
    missing = "没有该店铺的凭据 / no credentials for shop: S1"
    (decision,) = seen["decisions"]
    assert (decision["status"], decision["actor"], missing in decision["why"]) == ("being_submitted", "王五", True)
    assert (seen["state"], seen["timeline"]) == (["awaiting_merchant"], [])
    assert [entry["rule"] for entry in seen["deadlines"]] == ["auto_agree"]
    printed = command("show", case).stdout
    assert [text for text in ("王五", "⚠️", missing, "届时:超时自动同意") if text not in printed] == []

    refused = complaint(command("act", case, "refuse", "--form", "reason=x"), 1)
    assert [text for text in ("提交中", missing) if text not in refused] == []
    by_hand = command("act", case, "done_by_hand")
    assert (by_hand.exit_code, "待补寄发货" in by_hand.stdout) == (0, True)
    assert [entry["rule"] for entry in shown(command, case)["timeline"]] == ["agree"]


def test_a_bad_form_or_name_is_bad_input(command: Command, open_case: Open) -> None:
    case = open_case()
    assert "reason" in complaint(command("act", case, "refuse"), 2)
    assert "carrier, tracking_no" in complaint(command("act", case, "ship", "--form", "number=1"), 2)
    assert "agree, refuse" in complaint(command("act", case, "agreed"), 2)
    assert "no such case" in complaint(command("act", "douyin_reship/nobody", "agree"), 2)
    assert "no such case" in complaint(command("report", "douyin_reship/nobody", "sign"), 2)
    assert shown(command, case)["timeline"] == []


def test_g_8_a_console_task_is_done_by_hand(command: Command, open_case: Open, embedded: Embedded) -> None:
    case = open_case()
    assert "serial" in complaint(command("act", case, "done_by_hand"), 1)
    command("act", case, "mark_out_of_stock")
    until = time.monotonic() + PATIENCE_SECONDS
    while shown(command, case)["busy"] and time.monotonic() < until:
        time.sleep(0.05)
    assert "抖店后台" in command("show", case).stdout
    assert command("act", case, "done_by_hand", "--form", "note=已联系").exit_code == 0
    (step,) = shown(command, case)["effects"]
    assert step["status"] == "done"

    async def named() -> list[str | None]:
        client = await Client.connect(embedded.address)
        return await steps_named(client.get_workflow_handle(case))

    assert asyncio.run(named()) == [None, step["key"]]


def test_reporting_what_the_platform_says(command: Command, open_case: Open) -> None:
    case = open_case(applied_at="-3h")
    assert command("report", case, "--deadline", "+50h", "--message-id", "m1").exit_code == 0
    due = datetime.fromisoformat(shown(command, case)["deadlines"][0]["due"])
    assert timedelta(hours=49) < due - datetime.now(due.tzinfo) <= timedelta(hours=50)
    for _ in range(2):
        assert command("report", case, "sign", "--message-id", "m2").exit_code == 0
    seen = shown(command, case)
    assert [entry["message_id"] for entry in seen["ignored"]] == ["m2"]
    assert command("report", case, "withdraw", "--occurred-at", "-1h").exit_code == 0
    (entry,) = shown(command, case)["timeline"]
    ago = datetime.now(due.tzinfo) - datetime.fromisoformat(entry["at"])
    assert (entry["rule"], timedelta(hours=1) <= ago < timedelta(hours=2)) == ("withdraw", True)
    assert "案件已结束" in complaint(command("act", case, "agree"), 1)
    until = time.monotonic() + PATIENCE_SECONDS  # closed: only the notification and the record of its outcome remain
    while (result := command("report", case, "sign")).exit_code == 0 and time.monotonic() < until:
        time.sleep(0.05)
    assert "案件已结束" in complaint(result, 1)


def test_a_living_case_is_replayed(command: Command, open_case: Open) -> None:
    case = open_case()
    command("act", case, "agree")
    result = command("replay", "--case", case)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{case}: ok, ")
    assert "no such case" in complaint(command("replay", "--case", "douyin_reship/nobody"), 2)


def test_open_cases_are_replayed_by_state_and_kept_for_a_later_release(
    command: Command, open_case: Open, tmp_path: Path
) -> None:
    cases = [open_case(), open_case()]
    kept = tmp_path / "kept"

    result = command("replay", "--open", "--save", kept)

    assert result.exit_code == 0, result.stderr
    files = sorted(kept.iterdir())
    assert {
        json.loads(file.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
        for file in files
    } >= set(cases)
    assert not [file for file in files for case in cases if case.partition("/")[2] in file.name]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    replayed = command("replay", "--from", kept)
    assert replayed.exit_code == 0, replayed.stderr
    assert replayed.stdout == result.stdout

    one = tmp_path / "one"
    command("replay", "--open", "--sample", "1", "--save", one)
    states = {(file.name.partition("-")[0], where_of(recorded(file))) for file in files}
    assert len(list(one.iterdir())) == len(states) < len(files)


def test_setup_finds_everything_there_and_prints_links_also_for_each_shop(command: Command, open_case: Open) -> None:
    shop = uuid.uuid4().hex[:8]
    open_case(shop_id=shop)
    listed(command, 1, "--shop", shop)
    result = command(
        "setup", "--ui", "https://temporal.example/", "--gateway", "https://gateway.example/", "--shop", "S9"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    first, due, *links = result.stdout.splitlines()
    assert first == "search attributes: all there"
    assert due == "12 小时内到期: https://gateway.example/due/12"
    assert all("https://temporal.example/namespaces/default/workflows?query=" in link for link in links)
    names = [link.partition(": ")[0] for link in links]
    assert {
        "需人工处理",
        "等待买家",
        *(process.label for process in PROCESSES.values()),
        "店铺 S9",
        f"店铺 {shop}",
    } <= set(names)
    assert len(set(names)) == len(names)
