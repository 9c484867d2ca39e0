"""Douyin as the platform of reships: effects performed through its interface, clocks settled by its records."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from aftersales.platforms.douyin import reship_record as reading
from aftersales.platforms.douyin.client import PIECES_AT_ONCE, DouyinClient
from aftersales.platforms.douyin.records import AfterSale, Status
from cases.douyin_reship import Refusal
from cases.errors import BadForm, PlatformRefused
from cases.forms import Evidence, Form, Proof, Shipment
from cases.messages import EffectCall, ExpiryOutcome, ExpiryQuery
from cases.models import Strict, read

Given = TypeVar("Given", bound=Form)


class _Wish(NamedTuple):
    """What is wanted of the platform: when it is so already, and where it may be asked for."""

    fulfilled: Callable[[AfterSale], bool]
    open_in: tuple[Status, ...]


AGREEMENT = _Wish(
    lambda record: record.status in reading.ON_ITS_WAY,
    (Status.AWAITING_MERCHANT,),
)
REFUSAL = _Wish(
    lambda record: record.status == Status.REFUSED or record.disputed,
    (Status.AWAITING_MERCHANT, Status.AWAITING_SHIPMENT),
)


class DouyinReshipAdapter:
    """The port of the process ``douyin_reship``; ids of after-sales are digits."""

    def __init__(self, douyin: DouyinClient, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._douyin = douyin
        self._now = now
        self._effects: Mapping[str, Callable[[EffectCall, str], Awaitable[None]]] = {
            "agree_on_platform": self._agree,
            "refuse_on_platform": self._refuse,
            "push_tracking_number": self._push_tracking_number,
            "submit_evidence": self._submit_evidence,
        }

    async def perform(self, call: EffectCall) -> None:
        """Do on the platform what the effect says; what its record shows to be so already is done.

        Raises PlatformRefused, PlatformUnreachable, and BadForm for an effect or a form that does not fit.
        """
        effect = self._effects.get(call.effect)
        if effect is None:
            raise BadForm(f"平台没有该操作 / no such effect: {call.effect}; {', '.join(self._effects)}", ("effect",))
        await effect(call, _after_sale_id(call.facts))

    async def settle(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Say what a clock of the platform led to; raises NotSettledYet while it has not decided."""
        record = await self._douyin.find(question.shop_id, _after_sale_id(question.facts))
        return reading.settlement(question, record, self._now())

    async def facts(self, shop_id: str, after_sale_id: str) -> dict[str, Any]:
        """Give the facts that a case is opened with, as JSON; raises PlatformRefused where there is no such reship."""
        return reading.facts(shop_id, await self._douyin.detail(shop_id, after_sale_id))

    async def story(self, shop_id: str, after_sale_id: str) -> list[dict[str, Any]]:
        """Tell what the platform's record says now, as ``reports`` does; raises PlatformRefused for another kind."""
        return self.reports(await self._douyin.detail(shop_id, after_sale_id))

    def reports(self, after_sale: AfterSale) -> list[dict[str, Any]]:
        """Tell what a record says as ``Report`` dicts, in the order in which it must have happened."""
        return reading.reports(after_sale)

    async def _agree(self, call: EffectCall, own_id: str) -> None:
        async def operate(record: AfterSale) -> None:
            await self._douyin.operate_reship(call.shop_id, own_id, record.update_time, agree=True)

        await self._operate(call, own_id, AGREEMENT, operate)

    async def _refuse(self, call: EffectCall, own_id: str) -> None:
        form = _form(Refusal, call)

        async def operate(record: AfterSale) -> None:
            await self._douyin.operate_reship(
                call.shop_id, own_id, record.update_time, agree=False, reason=form.reason, evidence=form.evidence
            )

        await self._operate(call, own_id, REFUSAL, operate)

    async def _operate(
        self, call: EffectCall, own_id: str, wish: _Wish, operate: Callable[[AfterSale], Awaitable[None]]
    ) -> None:
        record = await self._douyin.detail(call.shop_id, own_id)
        if _done(wish, record, call):
            return
        try:
            await operate(record)
        except PlatformRefused as refused:
            # Perhaps because the record has changed since we read it: no code for that is known, so we look again.
            again = await self._douyin.detail(call.shop_id, own_id)
            if _done(wish, again, call):
                return
            if again.update_time == record.update_time:
                raise PlatformRefused(str(refused)) from None
        else:
            return
        await operate(again)

    async def _push_tracking_number(self, call: EffectCall, own_id: str) -> None:
        form = _form(Shipment, call)
        record = await self._douyin.detail(call.shop_id, own_id)
        if record.parcel is None or record.parcel.tracking_no != form.tracking_no:
            await self._douyin.fill_logistics(call.shop_id, own_id, form.carrier, form.tracking_no)

    async def _submit_evidence(self, call: EffectCall, own_id: str) -> None:
        form = _form(Proof, call)
        record = await self._douyin.detail(call.shop_id, own_id)
        pieces = [piece for piece in form.evidence if piece.url not in record.handed_in]
        for start in range(0, len(pieces), PIECES_AT_ONCE):
            some = pieces[start : start + PIECES_AT_ONCE]
            await self._douyin.submit_evidence(call.shop_id, own_id, _comment(some), [piece.url for piece in some])


def _done(wish: _Wish, record: AfterSale, call: EffectCall) -> bool:
    if wish.fulfilled(record):
        return True
    if record.status not in wish.open_in:
        told = f"{call.label}: 平台状态 / the platform's status is {record.status}"
        raise PlatformRefused(f"平台上已不能执行 / no longer possible on the platform: {told}")
    return False


def _comment(pieces: Sequence[Evidence]) -> str:
    return ";".join(piece.note or piece.kind.value for piece in pieces)


class _Named(Strict):
    after_sale_id: str


def _after_sale_id(facts: Mapping[str, Any]) -> str:
    return read(_Named, {"after_sale_id": facts.get("after_sale_id")}, "facts").after_sale_id


def _form(model: type[Given], call: EffectCall) -> Given:
    return read(model, call.form, call.effect)
