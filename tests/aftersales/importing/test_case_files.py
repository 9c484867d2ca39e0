"""Case files and each shop's own figures."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aftersales.files.documents import BadFile
from aftersales.importing.case_files import read_case, read_shops, shop_names

NOW = datetime.fromisoformat("2026-01-05T09:00:00+08:00")
SOUND = """\
process: douyin_reship
opening:
  shop_id: "1001"
  after_sale_id: A1
  order_id: O1
  category_id: C1
  reason: other
  order_amount: "100.00"
  applied_at: -1h
policy:
  shipping: 24h
"""
SHOPS = """\
1001:
  douyin_reship:
    shipping: 12h
    buyer_window: 3d
"""


def written(tmp_path: Path, text: str, name: str = "case.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_offsets_count_from_now(tmp_path: Path) -> None:
    process, opening = read_case(written(tmp_path, SOUND), {}, NOW)
    case = process.open_case(opening)
    assert (process.name, case.facts.applied_at) == ("douyin_reship", NOW - timedelta(hours=1))


def test_absolute_instants_stay(tmp_path: Path) -> None:
    process, opening = read_case(written(tmp_path, SOUND.replace("-1h", '"2026-01-04T12:00:00Z"')), {}, NOW)
    assert process.open_case(opening).facts.applied_at == datetime.fromisoformat("2026-01-04T12:00:00Z")


def test_g_9_the_shops_figures_count_and_the_files_own_before_them(tmp_path: Path) -> None:
    shops = read_shops(written(tmp_path, SHOPS, "shops.yaml"))
    process, opening = read_case(written(tmp_path, SOUND), shops, NOW)
    policy = process.open_case(opening).policy
    assert (policy.shipping.value, policy.shipping.provenance) == (timedelta(hours=24), "set")
    assert (policy.buyer_window.value, policy.buyer_window.provenance) == (timedelta(days=3), "set")
    assert (policy.merchant_handling.value, policy.merchant_handling.provenance) == (timedelta(hours=48), "stated")


def test_another_shops_figures_do_not_count(tmp_path: Path) -> None:
    shops = read_shops(written(tmp_path, SHOPS.replace("1001", "1002"), "shops.yaml"))
    process, opening = read_case(written(tmp_path, SOUND), shops, NOW)
    assert process.open_case(opening).policy.buyer_window.value == timedelta(hours=48)


SPLIT = """\
process: anxinjian_split
opening:
  provider_id: P1
  merchant_id: M1
  item_id: I1
  authentication_fee: "30.00"
  freight_fee: "12.00"
  sub_orders: [{order_id: O1, carries_item: true, auto_receipt_at: 9d}]
"""


def test_the_shop_is_the_one_that_the_facts_name_whatever_they_call_it(tmp_path: Path) -> None:
    shops = read_shops(
        written(tmp_path, "M1: {anxinjian_split: {choosing_time: 6h}}\nP1: {anxinjian_split: {choosing_time: 7h}}\n")
    )
    process, opening = read_case(written(tmp_path, SPLIT), shops, NOW)
    assert process.open_case(opening).policy.choosing_time.value == timedelta(hours=6)


def test_g_6_figures_that_need_each_other_may_stand_in_both_files(tmp_path: Path) -> None:
    shops = read_shops(
        written(
            tmp_path, "1001: {douyin_reship: {default_decision: refuse, default_form: {reason: 缺货}}}", "shops.yaml"
        )
    )
    process, opening = read_case(written(tmp_path, SOUND), shops, NOW)
    assert process.open_case(opening).policy.default_decision.value == "refuse"
    alone = SOUND.replace("shipping: 24h", "default_decision: refuse")
    assert read_case(written(tmp_path, alone), {"1001": {"douyin_reship": {"default_form": {"reason": "x"}}}}, NOW)


@pytest.mark.parametrize(
    ("was", "now", "line", "words"),
    [
        ("process: douyin_reship", "process: jd", 1, "douyin_reship"),
        ("process:", "proces:", 1, "proces"),
        ("  reason: other", "  reason: lost", 7, "never_received"),
        ("  reason: other", "  reasons: other", 2, "reason"),
        ("  applied_at: -1h", "  applied_at: an hour ago", 9, "applied_at"),
        ("  applied_at: -1h", "  applied_at: -99999999d", 9, "applied_at"),
        ("  applied_at: -1h", "  applied_at:", 9, "applied_at"),
        ("  applied_at: -1h", "  applied_at: '946684800'", 9, "须为时刻"),
        ("  applied_at: -1h", "  applied_at: '1764032700.5'", 9, "须为时刻"),
        ("  applied_at: -1h", "  applied_at: 946684800", 9, "applied_at"),
        ("  shipping: 24h", "  shiping: 24h", 11, "shiping"),
        ("  shipping: 24h", "  shipping: soon", 11, "shipping"),
        ("  shipping: 24h", "  default_decision: pay", 11, "default_decision"),
        ("policy:", "polic:", 10, "polic"),
    ],
)
def test_a_bad_case_file_names_line_and_field(tmp_path: Path, was: str, now: str, line: int, words: str) -> None:
    path = written(tmp_path, SOUND.replace(was, now))
    with pytest.raises(BadFile) as caught:
        read_case(path, {}, NOW)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert words in str(caught.value)


def test_no_file_of_shops_means_no_figures() -> None:
    assert read_shops(None) == {}


@pytest.mark.parametrize(
    ("was", "now", "line", "words"),
    [
        ("    shipping: 12h", "    shiping: 12h", 3, "shiping"),
        ("    shipping: 12h", "    shipping: soon", 3, "shipping"),
        ("  douyin_reship:", "  douyin:", 2, "douyin_reship"),
        ("  douyin_reship:", "  douyin_reship: 5\n  x:", 2, "1001.douyin_reship: expected a mapping"),
        ("1001:", "1001: 5\nx:", 1, "1001: expected a mapping"),
        ("1001:", "1001:\n  name: 5", 2, "1001.name: expected a name"),
    ],
)
def test_a_bad_file_of_shops_names_line_and_figure(tmp_path: Path, was: str, now: str, line: int, words: str) -> None:
    path = written(tmp_path, SHOPS.replace(was, now), "shops.yaml")
    with pytest.raises(BadFile) as caught:
        read_shops(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert words in str(caught.value)


def test_a_shop_may_have_a_name_beside_its_figures(tmp_path: Path) -> None:
    shops = read_shops(
        written(tmp_path, SHOPS.replace("1001:", "1001:\n  name: 城南旗舰店") + "1002: {}\n", "shops.yaml")
    )

    assert shop_names(shops) == {"1001": "城南旗舰店"}
    assert read_case(written(tmp_path, SOUND), shops, NOW)[1].policy == {"shipping": "24h", "buyer_window": "3d"}
