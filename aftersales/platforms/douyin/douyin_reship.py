"""Reships on Douyin: effects are performed through its interface, clocks resolved by its records."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from aftersales.platforms.adapter import ReconcilableAdapter
from aftersales.platforms.douyin import reship_reading as reading
from aftersales.platforms.douyin.client import PIECES_AT_ONCE, DouyinClient
from aftersales.platforms.douyin.records import RESHIP, AfterSale, Status
from aftersales.platforms.inbound import CaseKey
from cases.douyin_reship import Refusal
from cases.errors import BadForm, PlatformRefused
from cases.forms import Evidence, Form, Proof, Shipment
from cases.messages import EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery, Report
from cases.models import Strict, read

AForm = TypeVar("AForm", bound=Form)


class _Operation(NamedTuple):
    """An operation: whether a record shows it done, and the statuses in which it is possible."""

    done: Callable[[AfterSale], bool]
    possible_in: tuple[Status, ...]


AGREE = _Operation(
    lambda record: record.status in reading.ON_ITS_WAY,
    (Status.AWAITING_MERCHANT, Status.REFUSED),  # 27: the merchant agrees after all (DR-21)
)
REFUSE = _Operation(
    lambda record: record.status == Status.REFUSED or record.disputed,
    (Status.AWAITING_MERCHANT, Status.AWAITING_SHIPMENT),
)
ALREADY = EffectOutcome(already=True)


class DouyinReshipAdapter(ReconcilableAdapter):
    """The interface of the process ``douyin_reship``."""

    def __init__(self, douyin: DouyinClient, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._douyin = douyin
        self._now = now
        self._effects: Mapping[str, Callable[[EffectCall, str], Awaitable[EffectOutcome]]] = {
            "agree_on_platform": self._agree,
            "refuse_on_platform": self._refuse,
            "push_tracking_number": self._push_tracking_number,
            "submit_evidence": self._submit_evidence,
        }

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Perform an effect, unless the record shows it performed already; return the platform's words.

        Raises PlatformRefused, PlatformUnreachable, and BadForm for an effect or a form that does not fit.
        """
        effect = self._effects.get(call.effect)
        if effect is None:
            raise BadForm(f"平台没有该操作 / no such effect: {call.effect}; {', '.join(self._effects)}", ("effect",))
        return await effect(call, _after_sale_id(call.facts))

    async def resolve_expiry(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Return what a clock of the platform led to; raises NotResolvedYet while it has not decided."""
        record = await self._douyin.find(question.shop_id, _after_sale_id(question.facts))
        return reading.expiry_outcome(question, record, self._now())

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the reship that a message is about; None if it is not about one.  Raises BadForm."""
        return reading.case_of(tag, data)

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        """Return what a message reports to its case; None if the case only has to be open.  Raises BadForm."""
        return reading.report_of(tag, message_id, data)

    def needs_record(self, report: Report) -> bool:
        """Return whether only the record says what a report means."""
        return reading.needs_record(report)

    async def facts(self, shop_id: str, own_id: str) -> dict[str, Any]:
        """Return the facts that a case is opened with; raises PlatformRefused if there is no such reship."""
        return reading.facts(shop_id, await self._douyin.detail(shop_id, own_id))

    async def story(self, shop_id: str, own_id: str) -> list[Report]:
        """Return what the record says happened; raises PlatformRefused if there is none."""
        return reading.reports(await self._douyin.detail(shop_id, own_id))

    async def changed(self, shop_id: str, since: datetime, until: datetime) -> AsyncIterator[str]:
        """Yield the ids of the reships that changed between two instants."""
        async for row in self._douyin.changed(shop_id, RESHIP, since, until):
            yield row.after_sale_id

    async def _agree(self, call: EffectCall, own_id: str) -> EffectOutcome:
        async def operate(record: AfterSale) -> str:
            return await self._douyin.operate_reship(call.shop_id, own_id, record.update_time, agree=True)

        return await self._operate(call, own_id, AGREE, operate)

    async def _refuse(self, call: EffectCall, own_id: str) -> EffectOutcome:
        form = _form(Refusal, call)

        async def operate(record: AfterSale) -> str:
            return await self._douyin.operate_reship(
                call.shop_id, own_id, record.update_time, agree=False, reason=form.reason, evidence=form.evidence
            )

        return await self._operate(call, own_id, REFUSE, operate)

    async def _operate(
        self, call: EffectCall, own_id: str, operation: _Operation, operate: Callable[[AfterSale], Awaitable[str]]
    ) -> EffectOutcome:
        record = await self._douyin.detail(call.shop_id, own_id)
        if self._done(operation, record, call):
            return ALREADY
        try:
            return EffectOutcome(said=await operate(record) or None)
        except PlatformRefused as refused:
            # The record may have changed since it was read; no code for that is known, so it is read again.
            again = await self._douyin.detail(call.shop_id, own_id)
            if self._done(operation, again, call):
                return ALREADY
            if again.update_time == record.update_time:
                raise PlatformRefused(str(refused)) from None
        return EffectOutcome(said=await operate(again) or None)

    def _done(self, operation: _Operation, record: AfterSale, call: EffectCall) -> bool:
        """Return whether a record shows an operation done; raises PlatformRefused if it is not possible any more."""
        if operation.done(record):
            return True
        what = "平台上已不能执行 / no longer possible on the platform"
        if record.status not in operation.possible_in:
            why = f"平台状态 / the platform's status is {record.status}"
            raise PlatformRefused(f"{what}: {call.label}: {why}")
        if record.changed_between(call.at + reading.CLOCK_SKEW, self._now() + reading.CLOCK_SKEW):
            # A call that is repeated later must not decide on an application that was made in the meantime (DR-15).
            why = "售后单在决定之后有变更,请核对后重新决定 / the record changed after the decision"
            raise PlatformRefused(f"{what}: {call.label}: {why}: {record.updated_at.isoformat()}")
        return False

    async def _push_tracking_number(self, call: EffectCall, own_id: str) -> EffectOutcome:
        form = _form(Shipment, call)

        def shipped(record: AfterSale) -> bool:
            return record.parcel is not None and record.parcel.tracking_no.casefold() == form.tracking_no.casefold()

        async def ship(_: AfterSale) -> str:
            return await self._douyin.fill_logistics(call.shop_id, own_id, form.carrier, form.tracking_no)

        return await self._unless_done(call, own_id, shipped, ship)

    async def _submit_evidence(self, call: EffectCall, own_id: str) -> EffectOutcome:
        form = _form(Proof, call)

        def submitted(record: AfterSale) -> bool:
            return all(piece.url in record.handed_in for piece in form.evidence)

        async def submit(record: AfterSale) -> str:
            pieces, said = [piece for piece in form.evidence if piece.url not in record.handed_in], ""
            for start in range(0, len(pieces), PIECES_AT_ONCE):
                some = pieces[start : start + PIECES_AT_ONCE]
                urls = [piece.url for piece in some]
                said = await self._douyin.submit_evidence(call.shop_id, own_id, _comment(some), urls)
            return said

        return await self._unless_done(call, own_id, submitted, submit)

    async def _unless_done(
        self,
        call: EffectCall,
        own_id: str,
        done: Callable[[AfterSale], bool],
        send: Callable[[AfterSale], Awaitable[str]],
    ) -> EffectOutcome:
        record = await self._douyin.detail(call.shop_id, own_id)
        if done(record):
            return ALREADY
        try:
            return EffectOutcome(said=await send(record) or None)
        except PlatformRefused:
            # An earlier call, whose answer was lost, may have taken effect since the record was read.
            if done(await self._douyin.detail(call.shop_id, own_id)):
                return ALREADY
            raise


def _comment(pieces: Sequence[Evidence]) -> str:
    return ";".join(piece.note or piece.kind.value for piece in pieces)


class _Named(Strict):
    after_sale_id: str


def _after_sale_id(facts: Mapping[str, Any]) -> str:
    return read(_Named, {"after_sale_id": facts.get("after_sale_id")}, "facts").after_sale_id


def _form(model: type[AForm], call: EffectCall) -> AForm:
    return read(model, call.form, call.effect)
