"""What the platforms know: records, tokens, clocks and messages, for the HTTP side and for tests in this process."""

import heapq
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin.session import DouyinAccess
from aftersales.sandbox import douyin_wire, transitions
from aftersales.sandbox.clock import SandboxClock
from aftersales.sandbox.douyin_codes import NO_DEADLINE
from aftersales.sandbox.faults import Faults
from aftersales.sandbox.messages import Outbox
from aftersales.sandbox.oauth_grants import Grants
from aftersales.sandbox.orders import SandboxOrder, Scan
from aftersales.sandbox.pushing import Pusher
from aftersales.sandbox.records import Change, Record
from aftersales.sandbox.state_file import SandboxState, StateFile
from cases.errors import BadForm

FIRST_AFTER_SALE: Final = 142_000_000_000_000_000
FIRST_ORDER: Final = 692_000_000_000_000_000
PRODUCT: Final = "350000000000000001"


class RecordUnknown(BadForm):
    """There is no such after-sale."""


class Sandbox:
    """One object behind all addresses.  Every method may be called from any thread.

    ``apps``: applications, shops and secrets of all platforms, in the very shape that our clients read.
    """

    def __init__(self, apps: Secrets, *, gateway: str | None = None, state: Path | None = None) -> None:
        """Go on from the state file where there is one; raises BadForm where it cannot be understood."""
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
        """Give the sandbox's time in whole seconds."""
        return self.clock.now()

    def records(self) -> list[Record]:
        """Give every record as it stands now."""
        with self.lock:
            self.elapse()
            return list(self._records.values())

    def record(self, after_sale_id: str) -> Record | None:
        """Give a record as it stands now, None where there is none."""
        with self.lock:
            self.elapse()
            return self._records.get(after_sale_id)

    def app_key(self, shop_id: str) -> str:
        """Give the key of the shop's application at Douyin; raises BadForm for an unknown shop."""
        return self.apps.block(DouyinAccess).shop(shop_id).app_key

    def secret_of(self, platform: str, app_key: str) -> str | None:
        """Give the secret of an application at a platform; None where it is unknown."""
        try:
            return self.apps.of(platform).app(app_key).app_secret.get_secret_value()
        except BadForm:
            return None

    def new_id(self, first: int) -> str:
        """Give a number that was not given before, counting from ``first``."""
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
    ) -> Record:
        """Let a buyer apply now, or have applied before (``amount`` in 分).

        Raises BadForm for an unknown shop, an id that is taken or an instant that is yet to come.
        """
        self.app_key(shop_id)
        with self.lock:
            now = self.elapse()
            own = after_sale_id or self.new_id(FIRST_AFTER_SALE)
            if own in self._records:
                raise BadForm(f"售后单号已存在 / after-sale exists already: {own}", ("after_sale_id",))
            order = order_id or self.new_id(FIRST_ORDER)
            at = now if applied_at is None else applied_at
            if at > now:
                raise BadForm("申请时间尚未到来 / the application lies in the future", ("applied_at",))
            record = Record(
                shop_id=shop_id,
                after_sale_id=own,
                order_id=order,
                sku_order_id=order,
                product_id=PRODUCT,
                amount=amount,
                reason=reason,
                remark=remark,
                applied_at=at,
                updated_at=at,
            )
            self._keep(transitions.apply(record))
            self.elapse()
            self.save()
            return self._records[own]

    def change(self, after_sale_id: str, step: Callable[[Record, int], Change]) -> Record:
        """Let something happen to a record now, after every clock that is due.

        Raises RecordUnknown, and what ``step`` raises.
        """
        with self.lock:
            now = self.elapse()
            record = self._records.get(after_sale_id)
            if record is None:
                raise RecordUnknown(f"没有该售后单 / no such after-sale: {after_sale_id}", ("after_sale_id",))
            self._keep(step(record, now))
            self.save()
            return self._records[after_sale_id]

    def ship_order(self, order: SandboxOrder) -> None:
        """Keep an order's parcel."""
        with self.lock:
            self.orders[order.shop_id, order.order_id] = order
            self.save()

    def expire_tokens(self, shop_id: str | None = None, *, refresh: bool = False) -> int:
        """Let access tokens of a shop (or all) be over now, refresh tokens too where asked; gives how many were not."""
        with self.lock:
            struck = self.grants.expire(shop_id, self.now(), refresh=refresh)
            self.save()
            return struck

    def elapse(self) -> int:
        """Let every clock that is due run out, each at its own instant; gives the time up to which that was done."""
        with self.lock:
            now = self.now()
            ran = False
            while self._due and self._due[0][0] <= now:
                deadline, own_id = heapq.heappop(self._due)
                record = self._records[own_id]
                if record.deadline == deadline:  # else the clock was stopped or moved since
                    self._keep(transitions.elapse(record))
                    ran = True
            if ran:
                self.save()
            return now

    def advance(self, seconds: int) -> int:
        """Move the clock forward and let run out what is due; gives the new time."""
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
        """Write what was delivered since; a process that dies before sends it again, as platforms do."""
        if self._dirty:
            self.save()

    def _keep(self, change: Change) -> None:
        record = change.record
        self._records[record.after_sale_id] = record
        if record.deadline != NO_DEADLINE:
            heapq.heappush(self._due, (record.deadline, record.after_sale_id))
        for tag in change.tags:
            self._tell(record, tag)

    def _tell(self, record: Record, tag: str) -> None:
        try:
            app_key = self.app_key(record.shop_id)
        except BadForm:  # the shop is no longer among the credentials: nobody is told of its records
            return
        own_id = record.after_sale_id
        self.pusher.add(app_key, own_id, tag, lambda as_text: douyin_wire.message(record, tag, as_text=as_text))

    def _secret(self, app_key: str) -> str:
        return self.secret_of("douyin", app_key) or ""

    def _outbox(self, kept: SandboxState) -> Outbox:
        known = {app.app_key for app in self.apps.block(DouyinAccess).apps}
        pending = tuple(message for message in kept.pending if message.app_key in known)
        return Outbox(pending=pending, numbered=kept.numbered)

    def _progressed(self) -> None:
        self._dirty = True
