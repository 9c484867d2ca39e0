"""The sandbox's state: records, orders, tokens, clock and messages, for its HTTP side and for tests."""

import heapq
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin.session import DouyinAccess
from aftersales.sandbox.douyin import transitions, wire
from aftersales.sandbox.douyin.codes import NO_DEADLINE
from aftersales.sandbox.douyin.faults import Faults
from aftersales.sandbox.douyin.grants import Grants
from aftersales.sandbox.douyin.model import AfterSaleRecord, Change, Scan
from aftersales.sandbox.douyin.pushing import Outbox, Pusher
from aftersales.sandbox.douyin.shop_orders import OrderChange, Refund, SandboxOrder
from aftersales.sandbox.douyin.state_file import SandboxState, StateFile
from cases.errors import BadForm


class SandboxClock:
    """Real time plus an offset that can be moved forward, in whole seconds since 1970."""

    def __init__(self, offset: int = 0, real: Callable[[], float] = time.time) -> None:
        """Start ``offset`` seconds ahead of real time."""
        self.offset = offset
        self._real = real

    def real(self) -> int:
        """Return the real time, which the timestamps of requests are checked against."""
        return int(self._real())

    def now(self) -> int:
        """Return the sandbox's time."""
        return self.real() + self.offset

    def advance(self, seconds: int) -> None:
        """Move the clock forward."""
        self.offset += seconds


_FIRST_AFTER_SALE: Final = 142_000_000_000_000_000
_FIRST_ORDER: Final = 692_000_000_000_000_000
_PRODUCT: Final = "350000000000000001"


class RecordUnknown(BadForm):
    """No such after-sale."""


class Sandbox:
    """The state behind all routes.  Every method may be called from any thread.

    ``apps``: applications, shops and secrets of all platforms, in the form that our clients read.
    """

    def __init__(self, apps: Secrets, *, gateway: str | None = None, state: Path | None = None) -> None:
        """Continue from the state file if there is one; raises BadForm if it cannot be read."""
        self._file = StateFile(state)
        kept = self._file.read()
        self.apps = apps
        self.clock = SandboxClock(kept.offset)
        self.faults = Faults()
        self.grants = Grants(kept.grants)
        self.used_codes = set(kept.used_codes)
        self.orders = {(order.shop_id, order.order_id): order for order in kept.orders}
        self.routes: dict[str, tuple[Scan, ...]] = {}
        self.pusher = Pusher(gateway, self._secret, self._outbox(kept), self._progressed)
        self.lock = threading.RLock()
        self._issued = kept.issued
        self._records = {record.after_sale_id: record for record in kept.records}
        self._due = [(record.deadline, own_id) for own_id, record in self._records.items() if record.deadline]
        heapq.heapify(self._due)
        self._dirty = False

    def now(self) -> int:
        """Return the sandbox's time in whole seconds."""
        return self.clock.now()

    def records(self) -> list[AfterSaleRecord]:
        """Return every record after the clocks that are due."""
        with self.lock:
            self.elapse()
            return list(self._records.values())

    def record(self, after_sale_id: str) -> AfterSaleRecord | None:
        """Return a record after the clocks that are due, None if there is no such record."""
        with self.lock:
            self.elapse()
            return self._records.get(after_sale_id)

    def app_key(self, shop_id: str) -> str:
        """Return the key of a shop's application at Douyin; raises BadForm for an unknown shop."""
        return self.apps.block(DouyinAccess).shop(shop_id).app_key

    def secret_of(self, platform: str, app_key: str) -> str | None:
        """Return the secret of an application at a platform, None if it is unknown."""
        try:
            return self.apps.of(platform).app(app_key).app_secret.get_secret_value()
        except BadForm:
            return None

    def new_id(self, first: int) -> str:
        """Return the next unused id, counting from ``first``."""
        with self.lock:
            self._issued += 1
            return str(first + self._issued)

    def apply(
        self,
        shop_id: str,
        reason: str,
        amount: int,
        *,
        remark: str = "",
        after_sale_id: str | None = None,
        order_id: str | None = None,
        applied_at: int | None = None,
    ) -> AfterSaleRecord:
        """Let a buyer apply, now or at an earlier instant (``amount`` in 分).

        Raises BadForm for an unknown shop, an id that exists or an instant in the future.
        """
        self.app_key(shop_id)
        with self.lock:
            now = self.elapse()
            own = after_sale_id or self.new_id(_FIRST_AFTER_SALE)
            if own in self._records:
                raise BadForm(f"售后单号已存在 / after-sale exists already: {own}", ("after_sale_id",))
            order = order_id or self.new_id(_FIRST_ORDER)
            at = now if applied_at is None else applied_at
            if at > now:
                raise BadForm("申请时间尚未到来 / the application is in the future", ("applied_at",))
            record = AfterSaleRecord(
                shop_id=shop_id,
                after_sale_id=own,
                order_id=order,
                sku_order_id=order,
                product_id=_PRODUCT,
                amount=amount,
                reason=reason,
                remark=remark,
                applied_at=at,
                updated_at=at,
            )
            self._store(transitions.apply(record))
            self.elapse()
            self.save()
            return self._records[own]

    def change(self, after_sale_id: str, step: Callable[[AfterSaleRecord, int], Change]) -> AfterSaleRecord:
        """Apply a step to a record, after the clocks that are due.

        Raises RecordUnknown, and what ``step`` raises.
        """
        return self.change_all([(after_sale_id, step)])[0]

    def change_all(
        self, steps: Iterable[tuple[str, Callable[[AfterSaleRecord, int], Change]]]
    ) -> list[AfterSaleRecord]:
        """Apply each step to its record, all or none, after the clocks that are due; raises as ``change``."""
        with self.lock:
            now = self.elapse()
            changed: dict[str, AfterSaleRecord] = {}
            changes = []
            for after_sale_id, step in steps:
                record = changed.get(after_sale_id) or self._records.get(after_sale_id)
                if record is None:
                    raise RecordUnknown(f"没有该售后单 / no such after-sale: {after_sale_id}", ("after_sale_id",))
                changes.append(step(record, now))
                changed[after_sale_id] = changes[-1].record
            for change in changes:
                self._store(change)
            self.save()
            return [change.record for change in changes]

    def place(self, order: SandboxOrder) -> SandboxOrder:
        """Enter an order; raises BadForm for an unknown shop or an id that exists."""
        self.app_key(order.shop_id)
        with self.lock:
            if (order.shop_id, order.order_id) in self.orders:
                raise BadForm(f"订单号已存在 / order exists already: {order.order_id}", ("order_id",))
            self.orders[order.shop_id, order.order_id] = order
            self.save()
            return order

    def change_order(
        self, shop_id: str, order_id: str, step: Callable[[SandboxOrder, int], OrderChange]
    ) -> SandboxOrder:
        """Apply a step to an order; raises RecordUnknown, and what ``step`` raises."""
        with self.lock:
            order = self.orders.get((shop_id, order_id))
            if order is None:
                raise RecordUnknown(f"没有该订单 / no such order: {order_id}", ("order_id",))
            change = step(order, self.now())
            self.orders[shop_id, order_id] = change.order
            for message in change.messages:
                self.pusher.add(self.app_key(shop_id), f"order/{order_id}", message.tag, message.write)
            self.save()
            return change.order

    def refund(self, shop_id: str, after_sale_id: str) -> tuple[SandboxOrder, Refund] | None:
        """Return an after-sale of a shop's order that gives money back, with its order; None if there is none."""
        with self.lock:
            of_shop = [order for (shop, _), order in self.orders.items() if shop == shop_id]
            found = ((order, refund) for order in of_shop for refund in order.refunds)
            return next(((order, refund) for order, refund in found if refund.after_sale_id == after_sale_id), None)

    def expire_tokens(self, shop_id: str | None = None, *, refresh: bool = False) -> int:
        """Expire the access tokens of a shop (or all), with the refresh tokens if asked; return how many were valid."""
        with self.lock:
            struck = self.grants.expire(shop_id, self.now(), refresh=refresh)
            self.save()
            return struck

    def elapse(self) -> int:
        """Fire every clock that is due, each at its own instant; return the time up to which that was done."""
        with self.lock:
            now = self.now()
            ran = False
            while self._due and self._due[0][0] <= now:
                deadline, own_id = heapq.heappop(self._due)
                record = self._records[own_id]
                if record.deadline == deadline:  # else the clock was stopped or moved since
                    self._store(transitions.elapse(record))
                    ran = True
            if ran:
                self.save()
            return now

    def advance(self, seconds: int) -> int:
        """Move the clock forward and fire what is due; return the new time."""
        with self.lock:
            self.clock.advance(seconds)
            now = self.elapse()
            self.save()
            return now

    def save(self) -> None:
        """Write the state file."""
        with self.lock:
            self._dirty = False
            outbox = self.pusher.outbox()
            state = SandboxState(
                offset=self.clock.offset,
                issued=self._issued,
                numbered=outbox.numbered,
                used_codes=tuple(sorted(self.used_codes)),
                grants=self.grants.rows(),
                orders=tuple(self.orders.values()),
                pending=outbox.pending,
                records=tuple(self._records.values()),
            )
            self._file.write(state)

    def save_progress(self) -> None:
        """Write what was delivered since; after a crash it is sent again, as real platforms do."""
        if self._dirty:
            self.save()

    def _store(self, change: Change) -> None:
        record = change.record
        self._records[record.after_sale_id] = record
        if record.deadline != NO_DEADLINE:
            heapq.heappush(self._due, (record.deadline, record.after_sale_id))
        for tag in change.tags:
            self._push(record, tag)

    def _push(self, record: AfterSaleRecord, tag: str) -> None:
        try:
            app_key = self.app_key(record.shop_id)
        except BadForm:  # the shop was removed from the credentials: nobody to push to
            return
        own_id = record.after_sale_id
        self.pusher.add(app_key, own_id, tag, lambda as_text: wire.message(record, tag, as_text=as_text))

    def _secret(self, app_key: str) -> str:
        return self.secret_of("douyin", app_key) or ""

    def _outbox(self, kept: SandboxState) -> Outbox:
        app_keys = {app.app_key for app in self.apps.block(DouyinAccess).apps}
        pending = tuple(message for message in kept.pending if message.app_key in app_keys)
        return Outbox(pending=pending, numbered=kept.numbered)

    def _progressed(self) -> None:
        self._dirty = True
