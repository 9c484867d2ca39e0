"""Every clock runs out at its own instant, to the second, whoever asks first; the state survives a restart."""

import json
from pathlib import Path

import pytest

from aftersales.sandbox.douyin import transitions
from aftersales.sandbox.douyin.backend import Sandbox, SandboxClock
from aftersales.sandbox.douyin.model import AfterSaleRecord
from aftersales.sandbox.server import make_sandbox
from cases.errors import BadForm
from tests.support.platforms.sandboxes import APPS, TOKEN

T0 = 1_800_000_000
H48 = 48 * 3600


class Watch:
    """Real time as the test sets it."""

    def __init__(self) -> None:
        self.at = T0 + 0.9

    def __call__(self) -> float:
        return self.at


def sandbox(watch: Watch, state: Path | None = None, gateway: str | None = None) -> Sandbox:
    made = Sandbox(APPS, gateway=gateway, state=state)
    made.clock = SandboxClock(made.clock.offset, watch)
    return made


def record_of(at: Sandbox, own_id: str) -> AfterSaleRecord:
    record = at.record(own_id)
    assert record is not None
    return record


def test_a_second_before_its_end_a_clock_still_runs_and_at_its_end_it_is_over() -> None:
    watch = Watch()
    at = sandbox(watch)
    own = at.apply("1001", "其他", 100).after_sale_id
    watch.at = T0 + H48 - 0.1
    assert record_of(at, own).status == 6
    assert at.change(own, transitions.agree).status == 8
    other = at.apply("1001", "其他", 100).after_sale_id
    watch.at += H48 - 1
    assert record_of(at, other).status == 6
    watch.at += 1
    with pytest.raises(Exception, match="not allowed"):
        at.change(other, transitions.agree)
    assert record_of(at, other).log[-1].action == "超时自动同意"


def test_clocks_that_were_overslept_ran_out_one_after_the_other_at_their_own_instants() -> None:
    watch = Watch()
    at = sandbox(watch)
    lapsed = at.apply("1001", "其他", 100).after_sale_id
    refunded = at.apply("1001", "一直未收到货", 100).after_sale_id
    watch.at += 30 * 86400
    assert [entry.time - T0 for entry in record_of(at, lapsed).log] == [0, H48, 2 * H48, 3 * H48]
    assert record_of(at, lapsed).status == 28
    assert [entry.time - T0 for entry in record_of(at, refunded).log] == [0, H48, 2 * H48]
    assert record_of(at, refunded).status == 12


def test_advancing_moves_the_sandboxs_time_and_runs_what_is_due_at_once() -> None:
    at = sandbox(Watch())
    own = at.apply("1001", "其他", 100).after_sale_id
    assert at.advance(H48 - 1) == T0 + H48 - 1
    assert record_of(at, own).status == 6
    at.advance(1)
    assert at.now() == T0 + H48
    assert (at._records[own].status, at._records[own].deadline) == (8, T0 + 2 * H48)


def test_a_clock_that_was_stopped_or_moved_does_not_run_out_at_its_old_end() -> None:
    at = sandbox(Watch())
    moved = at.apply("1001", "其他", 100).after_sale_id
    stopped = at.apply("1001", "一直未收到货", 100).after_sale_id
    at.change(moved, lambda record, now: transitions.set_deadline(record, now, T0 + 2 * H48))
    at.change(stopped, lambda record, now: transitions.refuse(record, now, "已签收"))
    at.advance(H48 + 1)
    assert record_of(at, moved).status == 6
    assert (record_of(at, stopped).status, record_of(at, stopped).arbitration) == (27, 1)
    at.advance(H48 - 1)
    assert record_of(at, moved).status == 8


def test_a_restart_goes_on_with_records_tokens_orders_clock_and_unpushed_messages(tmp_path: Path) -> None:
    watch, state = Watch(), tmp_path / "new" / "state.json"
    at = sandbox(watch, state, gateway="http://gateway")
    kept = at.apply("1001", "其他", 100)
    at.advance(3600)
    at.change(kept.after_sale_id, transitions.agree)
    grant = at.grants.issue("K1", "1001", at.now())
    at.expire_tokens("1002")
    again = sandbox(watch, state, gateway="http://gateway")
    assert again.records() == at.records()
    assert again.now() == T0 + 3600
    assert again.grants.by_access(grant.access_token) == grant
    assert [(message.tag, message.msg_id) for message in again.pusher.pending] == [
        (message.tag, message.msg_id) for message in at.pusher.pending
    ]
    assert [message.tag for message in again.pusher.pending] == ["200", "227"]
    again.advance(H48)
    assert record_of(again, kept.after_sale_id).overdue
    assert again.apply("1001", "其他", 100).after_sale_id != kept.after_sale_id
    assert len({message.msg_id for message in again.pusher.pending}) == 4


def test_the_file_is_whole_after_every_change_and_its_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    at = sandbox(Watch(), state)

    def kept() -> list[tuple[int, str]]:
        assert state.stat().st_mode & 0o077 == 0
        rows = json.loads(state.read_text(encoding="utf-8"))["records"]
        return [(row["status"], row["log"][-1]["action"]) for row in rows]

    for number in range(3):
        own = at.apply("1001", "其他", 100).after_sale_id
        assert len(kept()) == number + 1
    at.change(own, transitions.agree)
    assert kept() == [(6, "发起售后申请"), (6, "发起售后申请"), (8, "同意补寄")]
    at.clock.advance(H48)
    at.elapse()
    assert kept() == [(8, "超时自动同意"), (8, "超时自动同意"), (8, "超时未发货")]
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"records": [{}]}', '{"other": 1}'])
def test_a_file_that_is_not_a_state_is_named(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state.json"
    state.write_text(text, encoding="utf-8")
    with pytest.raises(BadForm, match=r"state\.json"):
        Sandbox(APPS, state=state)


def test_records_of_a_removed_shop_go_on_but_push_no_messages(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    at = sandbox(Watch(), state, gateway="http://gateway")
    own = at.apply("S3", "其他", 100).after_sale_id
    apps = APPS.model_copy(update={"douyin": APPS.douyin.model_copy(update={"apps": (), "shops": ()})})
    later = Sandbox(apps, gateway="http://gateway", state=state)
    later.clock = SandboxClock(0, Watch())
    later.advance(H48)
    assert record_of(later, own).status == 8
    assert later.pusher.pending == ()


def test_a_sandbox_needs_a_control_token() -> None:
    with pytest.raises(BadForm, match="token"):
        make_sandbox(APPS, gateway=None, state=None, control_token="")
    make_sandbox(APPS, gateway=None, state=None, control_token=TOKEN)
