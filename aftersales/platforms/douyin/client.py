"""The methods of Douyin's open platform that our processes need."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from aftersales.platforms.douyin.order_records import Order
from aftersales.platforms.douyin.records import (
    AfterSale,
    AfterSaleRow,
    InterceptResult,
    Node,
    Page,
    RejectReason,
    parse,
)
from aftersales.platforms.douyin.session import DouyinSession
from aftersales.platforms.wording import platform_words
from cases.errors import BadForm, PlatformRefused, PlatformUnreachable
from cases.forms import Evidence

AGREE_TO_RESHIP = 501
"""The ``type`` of ``afterSale.operate`` that agrees to a reship.  From third-party code only."""
REFUSE_RESHIP = 502
"""The ``type`` of ``afterSale.operate`` that refuses a reship.  From third-party code only."""
UNKNOWN_RECORD = frozenset({"isv.parameter-invalid:11000", "isv.business-failed:10002"})
"""The sub-codes of ``afterSale.Detail`` for an id that is none, and for one of which the platform has nothing."""
NO_TRACK = frozenset({"isv.business-failed:10015", "isv.business-failed:-10004"})
"""The sub-codes for a number of which Douyin has no track: not one of its electronic waybills, or unknown to it.

From third-party code only.
"""
SEND_RESHIP = 1
BY_MERCHANT = 1
IMAGE = 1
PIECES_AT_ONCE = 4
ROWS_AT_ONCE = 100
OTHER_REASONS = ("其他", "其它", "other")


class DouyinClient(DouyinSession):
    """The open platform's methods, typed; every one raises what ``call`` raises."""

    async def find(self, shop_id: str, after_sale_id: str) -> AfterSale | None:
        """Return an after-sale's record; None if the platform has no such record."""
        answer = await self.ask(shop_id, "afterSale.Detail", {"after_sale_id": after_sale_id})
        if answer.sub_code in UNKNOWN_RECORD:
            return None
        data = answer.content()
        info = (data.get("process_info") or {}).get("after_sale_info")
        return parse(AfterSale, data, answer.method) if info else None

    async def detail(self, shop_id: str, after_sale_id: str) -> AfterSale:
        """Return an after-sale's record; raises PlatformRefused if the platform has no such record."""
        record = await self.find(shop_id, after_sale_id)
        if record is None:
            raise PlatformRefused(f"平台没有该售后单 / the platform has no such after-sale: {after_sale_id}")
        return record

    async def changed(self, shop_id: str, kind: int, since: datetime, until: datetime) -> AsyncIterator[AfterSaleRow]:
        """Yield every after-sale of a kind that changed between two instants, both included, oldest change first."""
        seen: set[tuple[str, int]] = set()
        page, before = 0, 0
        while True:
            listed = await self._page(shop_id, kind, since, until, page)
            for row in listed.rows:
                if (row.after_sale_id, row.update_time) not in seen:
                    seen.add((row.after_sale_id, row.update_time))
                    yield row
            if page and listed.total < before:
                # A record that changed meanwhile has left the list, and those after it moved to a page already read.
                page = 0
            elif listed.has_more and listed.rows:
                page += 1
            else:
                return
            before = listed.total

    async def _page(self, shop_id: str, kind: int, since: datetime, until: datetime, page: int) -> Page:
        params = {
            "aftersale_type": kind,
            "update_start_time": int(since.timestamp()),
            "update_end_time": int(until.timestamp()),
            "page": page,
            "size": ROWS_AT_ONCE,
            "order_by": ["update_time asc"],
        }
        return parse(Page, await self.call(shop_id, "afterSale.List", params), "afterSale.List")

    async def operate_reship(
        self,
        shop_id: str,
        after_sale_id: str,
        update_time: int,
        *,
        agree: bool,
        reason: str = "",
        evidence: Sequence[Evidence] = (),
    ) -> str:
        """Agree to a reship or refuse it with a reason; refused if the record has changed since ``update_time``.

        This and the other methods that change something return the platform's own words.
        """
        item: dict[str, Any] = {"aftersale_id": after_sale_id, "update_time": update_time}
        if not agree:
            code = reject_reason_code(await self.reject_reasons(shop_id, after_sale_id), reason)
            pieces = [{"type": IMAGE, "url": piece.url, "desc": piece.note or ""} for piece in evidence]
            item |= {"reason": reason, "remark": reason, "evidence": pieces}
            item |= {} if code is None else {"reject_reason_code": code}
        params = {"type": AGREE_TO_RESHIP if agree else REFUSE_RESHIP, "items": [item]}
        answer = await self.ask(shop_id, "afterSale.operate", params)
        for done in answer.content().get("items") or []:
            if done.get("status_code"):
                why = f"{platform_words(done.get('status_msg')) or '-'} (status_code {done['status_code']})"
                raise PlatformRefused(f"抖店拒绝 / Douyin refused afterSale.operate: {why}")
        return answer.words

    async def reject_reasons(self, shop_id: str, after_sale_id: str) -> list[RejectReason]:
        """Return the reasons for which the platform lets this after-sale be refused."""
        method = "afterSale.rejectReasonCodeList"
        data = await self.call(shop_id, method, {"aftersale_id": _number(after_sale_id)})
        return [parse(RejectReason, item, method) for item in data.get("items") or []]

    async def fill_logistics(self, shop_id: str, after_sale_id: str, company_code: str, tracking_no: str) -> str:
        """Submit the parcel in which the goods are sent again."""
        params = {"aftersale_id": _number(after_sale_id), "send_type": SEND_RESHIP}
        parcel = {"company_code": company_code, "tracking_no": tracking_no}
        return await self._change(shop_id, "afterSale.fillLogistics", params | parcel)

    async def submit_evidence(self, shop_id: str, after_sale_id: str, comment: str, urls: Sequence[str]) -> str:
        """Submit evidence to an arbitration; raises BadForm for more than four pieces at once."""
        if len(urls) > PIECES_AT_ONCE:
            raise BadForm(f"一次最多 {PIECES_AT_ONCE} 个凭证 / at most {PIECES_AT_ONCE} pieces at once: {len(urls)}")
        params = {"aftersale_id": _number(after_sale_id), "comment": comment, "evidence": list(urls)}
        return await self._change(shop_id, "afterSale.submitEvidence", params)

    async def _change(self, shop_id: str, method: str, params: Mapping[str, Any]) -> str:
        answer = await self.ask(shop_id, method, params)
        answer.content()
        return answer.words

    async def order(self, shop_id: str, order_id: str) -> Order:
        """Return an order's record; raises PlatformRefused if the shop has no such order."""
        method = "order.orderDetail"
        data = await self.call(shop_id, method, {"shop_order_id": order_id})
        return parse(Order, data.get("shop_order_detail"), method)

    async def track(self, shop_id: str, company_code: str, tracking_no: str) -> list[Node]:
        """Return the stations of a parcel, as the platform orders them; none if it has no track of the number."""
        method = "logistics.trackNoRouteDetail"
        answer = await self.ask(shop_id, method, {"logistics_code": company_code, "track_no": tracking_no})
        nodes = [] if answer.sub_code in NO_TRACK else answer.content().get("route__node_list") or []
        return [parse(Node, node, method) for node in nodes]

    async def intercept(self, shop_id: str, after_sale_id: str, company_code: str, tracking_no: str) -> str:
        """Stop a parcel on its way; raises PlatformRefused with the platform's reason if it cannot be stopped.

        The parcel's own result counts: the call as a whole succeeds also if no parcel can be stopped.
        """
        method = "afterSale.applyLogisticsIntercept"
        target = {"company_code": company_code, "tracking_no": tracking_no}
        params = {"after_sale_id": _number(after_sale_id), "op_from": BY_MERCHANT, "intercept_targets": [target]}
        answer = await self.ask(shop_id, method, params)
        results = [parse(InterceptResult, item, method) for item in answer.content().get("intercept_results") or []]
        own = next((result for result in results if result.tracking_no.casefold() == tracking_no.casefold()), None)
        if own is None:
            raise PlatformUnreachable(
                f"抖店 {method}: 返回中没有该快递单号 / the answer lacks the parcel: {tracking_no}"
            )
        if not own.is_success:
            why = f"{own.unavailable_reason or '-'} (unavailable_reason_code {own.unavailable_reason_code})"
            raise PlatformRefused(f"抖店拒绝 / Douyin refused {method}: {platform_words(why)}")
        return answer.words


def reject_reason_code(known_reasons: Sequence[RejectReason], text: str) -> int | None:
    """Choose the platform's code for a reason: one that the text contains, else "other", else the last of the list."""
    said = [entry for entry in known_reasons if entry.reason.strip() and entry.reason.strip() in text]
    other = [entry for entry in known_reasons if entry.reason.strip().casefold() in OTHER_REASONS]
    # The longest says most; one that equals the text is the longest.
    best = sorted(said, key=lambda entry: len(entry.reason.strip()), reverse=True)
    return next((entry.code for entry in [*best, *other, *reversed(known_reasons)]), None)


def _number(after_sale_id: str) -> int:
    if not (after_sale_id.isascii() and after_sale_id.isdigit()):
        raise BadForm(
            f"售后单号须为数字 / an after-sale id of Douyin is a number: {after_sale_id!r}", ("after_sale_id",)
        )
    return int(after_sale_id)
