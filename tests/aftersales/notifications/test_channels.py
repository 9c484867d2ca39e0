"""The file of channels: read by its owner alone, wrong fields named; and when a channel may be used."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales.notifications.channels import Channels, CurrentChannels, quiet_until, read_channels
from aftersales.notifications.robot_queues import robot_queues
from cases.errors import BadForm
from cases.shanghai import SHANGHAI
from tests.support.notifications.notices import MIDNIGHT, NOON, notice, one
from tests.support.places import EXAMPLES
from tests.support.records.key_files import rewritten

EXAMPLE = EXAMPLES / "channels.yaml"
FULL = """\
S1:
  - {type: feishu, name: 客服群, key: hush-1, secret: hush-2, quiet_hours: "22:00-08:00"}
  - {type: mail, name: mail, host: mx, user: u, password: hush-3, sender: a@example.com, to: [b@example.com]}
S2:
  - {type: wecom, name: 客服群, key: hush-4, kinds: [needs_operator]}
"""


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_every_shop_has_its_channels(tmp_path: Path) -> None:
    channels = read_channels(written(tmp_path, FULL))

    assert [channel.type for channel in channels.of("S1")] == ["feishu", "mail"]
    assert [channel.kinds for channel in channels.of("S2")] == [("needs_operator",)]
    assert channels.of("S3") == ()
    assert "hush" not in f"{channels!r} {channels.model_dump_json()}"


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadForm, match=r"channels\.yaml: .*0640.*chmod 600"):
        read_channels(written(tmp_path, FULL, 0o640))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("key: hush-1, ", "", "S1.0.feishu.key"),
        ("22:00-08:00", "22:00-25:00", "S1.0.feishu.quiet_hours"),
        ("22:00-08:00", "08:00-08:00", "起止时间相同"),
        ("type: feishu", "type: lark", "S1.0"),
        ("name: mail", "name: 客服群", "S1: name 重复 / duplicate name: 客服群"),
        ("kinds: [needs_operator]", "kinds: [all]", "S2.0.wecom.kinds.0"),
        ("kinds: [needs_operator]", "kinds: []", "S2.0.wecom.kinds"),
        ("user: u, ", "", "user 与 password 须同时给出"),
        ("host: mx", "host: mx, encryption: none", "no password without encryption"),
        (
            "key: hush-4",
            "key: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=hush-4'",
            "S2.0.wecom.key: 有误 / 只填",
        ),
        ("key: hush-4", "key: 'key=hush-4'", "not the whole address"),
        ("key: hush-1", "key: 'https://open.feishu.cn/open-apis/bot/v2/hook/hush-1'", "S1.0.feishu.key: 有误 / 只填"),
        ("key: hush-1", "key: 'hook/hush-1'", "not the whole address"),
        ("key: hush-1", "key: 'hush-1 '", "S1.0.feishu.key: 有误 / 首尾有空格"),
        ("secret: hush-2", 'secret: "hush-2\\n"', "S1.0.feishu.secret: 有误 / 首尾有空格"),
        ("password: hush-3", "password: ' hush-3'", "S1.1.mail.password: 有误 / 首尾有空格"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in FULL
    with pytest.raises(BadForm) as caught:
        read_channels(written(tmp_path, FULL.replace(old, new, 1)))

    assert named in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_example_can_be_read_and_holds_every_type(tmp_path: Path) -> None:
    channels = read_channels(written(tmp_path, EXAMPLE.read_text(encoding="utf-8")))

    types = [channel.type for shop in channels.root.values() for channel in shop]
    assert sorted(types) == ["dingtalk", "feishu", "mail", "webhook", "wecom"]


def shanghai(clock: str, day: int = 5) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 1, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        ("22:00-08:00", shanghai("21:59"), None),
        ("22:00-08:00", shanghai("22:00"), shanghai("08:00", 6)),
        ("22:00-08:00", shanghai("00:00"), shanghai("08:00")),
        ("22:00-08:00", shanghai("07:59"), shanghai("08:00")),
        ("22:00-08:00", shanghai("08:00"), None),
        ("12:00-14:00", shanghai("13:00"), shanghai("14:00")),
        ("12:00-14:00", shanghai("14:00"), None),
        ("22:00-00:00", shanghai("23:00"), shanghai("00:00", 6)),
    ],
)
def test_quiet_hours_are_shanghais(hours: str, now: datetime, until: datetime | None) -> None:
    assert quiet_until(hours, now) == until


def quiet(**more: Any) -> Any:
    return one({"type": "wecom", "name": "w", "key": "k", "quiet_hours": "22:00-08:00", **more})


def test_in_quiet_hours_a_notice_waits_until_they_end() -> None:
    assert quiet().send_at(notice(), MIDNIGHT) == MIDNIGHT + timedelta(hours=8)
    assert quiet().send_at(notice(), NOON) == NOON


@pytest.mark.parametrize("hours", [1, 7, 8])
def test_a_deadline_before_their_end_is_sent_at_once(hours: int) -> None:
    assert quiet().send_at(notice(deadline=MIDNIGHT + timedelta(hours=hours)), MIDNIGHT) == MIDNIGHT


def test_a_channel_takes_the_kinds_that_it_names() -> None:
    assert quiet().takes(notice())
    assert not quiet(kinds=("outcome",)).takes(notice())


def test_a_shop_without_channels_may_be_named() -> None:
    assert Channels.model_validate({"S1": ()}).of("S1") == ()


def test_a_changed_file_counts_at_once_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    current = CurrentChannels(path)
    before = current.of("S2")
    rewritten(path, FULL.replace("hush-4", "hush-5"))
    (after,) = current.of("S2")
    assert before != (after,)
    assert robot_queues(current.all(), "q") != robot_queues(read_channels(written(tmp_path, FULL)), "q")
    rewritten(path, "S2: nonsense")
    assert [channel.type for channel in current.of("S2")] == ["wecom"]
