"""The orders of a Double-11: what becomes of each, and the exports from which their cases are opened."""

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
DOUYIN, JD, RESHIP, CARD = "douyin_shipment", "jd_shipment", "douyin_reship", "jd_delay_card"
HOUR = timedelta(hours=1)
SHOPS = ("1001",) * 7 + ("1002",) * 2 + ("1003",)
"""The shop of each of ten orders, one after the other: a large one, whose fines reach their cap, and two smaller."""


class Fate(StrEnum):
    """What becomes of an order."""

    IN_TIME = "in time"
    STALLED = "stalled"
    LATE = "late"
    LATE_TWICE = "late twice"
    JUDGED = "judged"
    CLEARED = "judged and cleared"
    RESHIPPED = "reshipped"
    NOT_PICKED_UP = "not picked up in time"
    LATE_AND_EXEMPT = "late, exempt by a card"
    CANCELLED = "cancelled"


SHARES = {
    DOUYIN: {
        Fate.STALLED: 0.02,
        Fate.LATE: 0.008,
        Fate.LATE_TWICE: 0.002,
        Fate.JUDGED: 0.003,
        Fate.CLEARED: 0.002,
        Fate.RESHIPPED: 0.01,
    },
    JD: {Fate.NOT_PICKED_UP: 0.02, Fate.LATE: 0.005, Fate.LATE_AND_EXEMPT: 0.005, Fate.CANCELLED: 0.005},
}
"""The share of orders with each fate; all others are shipped and picked up in time."""

ORDERED_BEFORE_CLOCK = {
    (DOUYIN, Fate.STALLED): 30 * HOUR,
    (DOUYIN, Fate.LATE): 48 * HOUR,
    (DOUYIN, Fate.LATE_TWICE): 60 * HOUR,
    (JD, Fate.LATE): 24 * HOUR,
    (JD, Fate.LATE_AND_EXEMPT): 24 * HOUR,
    (JD, Fate.NOT_PICKED_UP): 48 * HOUR,
}
"""How long before the clock of the day an order was placed: the clocks of DS-2, DS-6 and JD-10 have their real lengths,
so an order whose clock comes due in the day is one of the days before."""


@dataclass(frozen=True)
class PlannedOrder:
    """An order, what becomes of it, and when a clock of its case comes due in the day, None if none does."""

    process: str
    number: str
    shop: str
    fate: Fate
    ordered_at: datetime
    clock_due: datetime | None = None

    @property
    def case_id(self) -> str:
        """The id of its case."""
        return f"{self.process}/{self.number}"

    @property
    def promised_ship_at(self) -> datetime:
        """Until when it must be shipped (DS-6): the late ones until the clock of the day, or a day before it."""
        if self.clock_due and self.fate is Fate.LATE:
            return self.clock_due
        if self.clock_due and self.fate is Fate.LATE_TWICE:
            return self.clock_due - 24 * HOUR
        return self.ordered_at + 48 * HOUR


@dataclass(frozen=True)
class Day:
    """The day that is lived, as real time: its happenings are spread over it."""

    begins: datetime
    length: timedelta

    def at(self, share: float) -> datetime:
        """Return an instant of the day, by the share of it that has passed."""
        return (self.begins + self.length * share).replace(microsecond=0)


def orders_of(process: str, number: int, day: Day, now: datetime) -> list[PlannedOrder]:
    """Return orders of a process in the sequence of the export, the same in every run but for their instants."""
    chance = random.Random(11)  # noqa: S311 - the same orders in every run  # nosec B311
    fates = [fate for fate, share in SHARES[process].items() for _ in range(round(share * number))]
    fates += [Fate.IN_TIME] * (number - len(fates))
    chance.shuffle(fates)
    first = 692_200_000_000_000_000 if process == DOUYIN else 281_200_000_000
    found = []
    for at, fate in enumerate(fates):
        before = ORDERED_BEFORE_CLOCK.get((process, fate))
        due = None if before is None else day.at(chance.uniform(0.3, 0.8))
        ordered = due - before if due and before else now - timedelta(minutes=chance.randrange(1, 600))
        found.append(PlannedOrder(process, str(first + at), SHOPS[at % len(SHOPS)], fate, ordered, due))
    return found


# The exports.


MAPPINGS = {
    DOUYIN: """
columns:
  shop_id: 店铺
  order_id: 订单编号
  product_id: 商品编号
  mode: {header: 发货模式, values: {普通发货: normal}}
  ordered_at: 下单时间
  paid_at: 支付时间
  promised_ship_at: 承诺发货时间
  consignee: 收件人编号
  consignee_region: 省
  order_amount: 订单应付金额
""",
    JD: """
columns:
  shop_id: 店铺
  order_id: 订单号
  ordered_at: 下单时间
  kind: {header: 商品类型, values: {现货: stock}}
""",
    RESHIP: """
columns:
  shop_id: 店铺
  after_sale_id: 售后单号
  order_id: 订单编号
  category_id: 类目编号
  reason: {header: 售后原因, values: {一直未收到货: never_received}}
  order_amount: 订单金额
  applied_at: 申请时间
""",
    CARD: """
columns:
  shop_id: 店铺
  order_id: 订单号
  promised_ship_at: 承诺发货时间
  proposed_ship_at: 预计发货时间
  reason: 延迟原因
  sent_at: 卡片发送时间
""",
}


def write_export(folder: Path, process: str, orders: Sequence[PlannedOrder], now: datetime) -> tuple[Path, Path]:
    """Write the export of a process and its mapping, and return both files."""
    export, mapping = folder / f"{process}.csv", folder / f"{process}.yaml"
    mapping.write_text(f"process: {process}\n{MAPPINGS[process]}", encoding="utf-8")
    with export.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(_rows(process, orders, now))
    return export, mapping


def _rows(process: str, orders: Iterable[PlannedOrder], now: datetime) -> Iterator[Sequence[str]]:
    match process:
        case "douyin_shipment":
            yield [
                "店铺",
                "订单编号",
                "商品编号",
                "发货模式",
                "下单时间",
                "支付时间",
                "承诺发货时间",
                "收件人编号",
                "省",
                "订单应付金额",
            ]
            for order in orders:
                ordered, paid = _written(order.ordered_at), _written(order.ordered_at + timedelta(minutes=1))
                number, promised = f'="{order.number}"', _written(order.promised_ship_at)
                yield (
                    order.shop,
                    number,
                    "353001",
                    "普通发货",
                    ordered,
                    paid,
                    promised,
                    order.number,
                    "广东省",
                    "129.00",
                )
        case "jd_shipment":
            yield ["店铺", "订单号", "下单时间", "商品类型"]
            for order in orders:
                yield order.shop, order.number, _written(order.ordered_at), "现货"
        case "douyin_reship":
            yield ["店铺", "售后单号", "订单编号", "类目编号", "售后原因", "订单金额", "申请时间"]
            for order in orders:
                own, number = f'="7{order.number[1:]}"', f'="{order.number}"'
                yield order.shop, own, number, "20219", "一直未收到货", "129.00", _written(now)
        case "jd_delay_card":
            yield ["店铺", "订单号", "承诺发货时间", "预计发货时间", "延迟原因", "卡片发送时间"]
            for order in orders:
                promised = order.ordered_at + 24 * HOUR
                proposed = _written(promised + 72 * HOUR)
                yield order.shop, order.number, _written(promised), proposed, "仓库爆单", _written(now)


def _written(instant: datetime) -> str:
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def reship_of(order: PlannedOrder) -> str:
    """Return the id of the reship case of a Douyin order."""
    return f"{RESHIP}/7{order.number[1:]}"


def card_of(order: PlannedOrder) -> str:
    """Return the id of the delay card of a JD order."""
    return f"{CARD}/{order.number}"
