"""Douyin as the platform of reships: over HTTP against the sandbox, and its readings record by record."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from activities.douyin_reship import EFFECTS
from activities.effects import PLATFORM_CALL
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin import reship_reading as reading
from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.douyin_reship import DouyinReshipAdapter
from aftersales.platforms.douyin.records import RESHIP as RESHIP_KIND
from aftersales.platforms.douyin.records import AfterSale
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox.douyin import transitions, wire
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.faults import Fault
from aftersales.sandbox.douyin.model import AfterSaleRecord
from aftersales.sandbox.server import make_sandbox
from cases.douyin_reship import ReshipFacts
from cases.errors import BadForm, NotResolvedYet, PlatformRefused, PlatformUnreachable
from cases.messages import EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery, Opening, Report
from cases.models import read
from tests.support.platforms.serving import serving
from tests.support.rules.machines import RESHIP, PromptMachine, where
from workflows.engine.machine import CaseMachine

SHOP = "1001"
HOUR = 3600
APPS = read(
    Secrets,
    {
        "douyin": {
            "apps": [{"app_key": "K1", "app_secret": "first"}],
            "shops": [{"shop_id": SHOP, "app_key": "K1"}, {"shop_id": "1002", "app_key": "K1"}],
        }
    },
    "apps",
)
NEVER, SHORT = "一直未收到货", "商家少发/漏发"
CONSENT = {"kind": "buyer_consent", "url": "https://e/consent.png", "note": None}
REFUSAL = {"reason": "已签收", "evidence": [], "after_consent": False}
PARCEL = {"carrier": "shunfeng", "tracking_no": "SF1"}


class Watched(DouyinClient):
    """A client during which something happens between reading a record and acting on it."""

    operated = 0
    meanwhile: Callable[[], object] | None = None
    seen: Callable[[AfterSale], AfterSale] | None = None

    async def detail(self, shop_id: str, after_sale_id: str) -> AfterSale:
        record = await super().detail(shop_id, after_sale_id)
        if self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return self.seen(record) if self.seen else record

    async def operate_reship(self, *arguments: Any, **named: Any) -> str:
        self.operated += 1
        return await super().operate_reship(*arguments, **named)


class Shop:
    """A shop of the sandbox: acts as buyer and platform, and has our adapter to it."""

    def __init__(self, sandbox: Sandbox, douyin: Watched) -> None:
        self.sandbox, self.douyin = sandbox, douyin
        self.port = DouyinReshipAdapter(douyin)

    def apply(self, reason: str = NEVER) -> str:
        return self.sandbox.apply(SHOP, reason, 12_850, remark="三天没动").after_sale_id

    def do(self, own: str, step: Callable[..., Any], *arguments: Any) -> AfterSaleRecord:
        """Let something happen to a record, a minute after what happened last."""
        self.sandbox.advance(60)
        return self.sandbox.change(own, lambda record, now: step(record, now, *arguments))

    def record(self, own: str) -> AfterSaleRecord:
        record = self.sandbox.record(own)
        assert record is not None
        return record

    def actions(self, own: str) -> list[str]:
        return [entry.action for entry in self.record(own).log][1:]

    def call(self, own: str, effect: str, form: dict[str, Any] | None = None) -> EffectCall:
        return EffectCall(
            key="c/1",
            case_id="c",
            process="douyin_reship",
            shop_id=SHOP,
            effect=effect,
            label="在平台处理",
            rule="x",
            at=datetime.now(UTC),
            facts={"after_sale_id": own, "shop_id": SHOP, "description": "王小明"},
            form=form,
        )

    async def perform(self, own: str, effect: str, form: dict[str, Any] | None = None) -> EffectOutcome:
        return await self.port.perform(self.call(own, effect, form))

    async def resolve_expiry(self, own: str, state: str, rule: str, due: int | None = None) -> ExpiryOutcome:
        return await self.port.resolve_expiry(question(own, state, rule, due or self.record(own).deadline))


def question(own: str, state: str, rule: str, due: int) -> ExpiryQuery:
    at = datetime.fromtimestamp(due, UTC)
    return ExpiryQuery(
        key="c/1",
        case_id="c",
        process="douyin_reship",
        shop_id=SHOP,
        state=state,
        rule=rule,
        due=at,
        facts={"after_sale_id": own},
    )


@pytest_asyncio.fixture(scope="module")
async def transport() -> AsyncIterator[Transport]:
    async with Transport("抖店") as made:
        yield made


@pytest_asyncio.fixture
async def shop(transport: Transport) -> AsyncIterator[Shop]:
    app = make_sandbox(APPS, gateway=None, state=None, control_token="t")  # noqa: S106  # of a test
    async with serving(app) as address:
        access = APPS.douyin.model_copy(update={"address": f"{address}/douyin"})
        yield Shop(app.state.sandbox, Watched(access, transport, TokenStore()))


def test_every_effect_that_is_a_platform_call_is_performed(transport: Transport) -> None:
    port = DouyinReshipAdapter(DouyinClient(APPS.douyin, transport, TokenStore()))

    assert set(port._effects) == {name for name, how in EFFECTS.items() if how == PLATFORM_CALL}


async def test_the_facts_of_a_record_open_a_case(shop: Shop) -> None:
    own = shop.apply()

    facts = read(ReshipFacts, await shop.port.facts(SHOP, own), "opening")

    record = shop.record(own)
    assert (facts.shop_id, facts.after_sale_id, facts.order_id) == (SHOP, own, record.order_id)
    assert (facts.reason.value, str(facts.order_amount), facts.description) == ("never_received", "128.50", "三天没动")
    assert facts.applied_at.timestamp() == record.applied_at
    assert (facts.category_id, facts.received_at) == (None, None)


async def test_a_record_that_does_not_exist_has_no_facts(shop: Shop) -> None:
    with pytest.raises(PlatformRefused, match="no such after-sale: 1"):
        await shop.port.facts(SHOP, "1")


async def test_dr_4_an_agreement_is_performed_once(shop: Shop) -> None:
    own = shop.apply()

    for _ in range(2):
        await shop.perform(own, "agree_on_platform")
        shop.sandbox.advance(60)

    assert (shop.record(own).status, shop.actions(own), shop.douyin.operated) == (8, ["同意补寄"], 1)


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_dr_4_what_the_platform_has_agreed_to_itself_is_done(shop: Shop, steps: int) -> None:
    own = shop.apply()
    shop.sandbox.advance(49 * HOUR)
    if steps:
        shop.do(own, transitions.ship, "shunfeng", "SF1")
    if steps == 2:
        shop.do(own, transitions.sign)

    await shop.perform(own, "agree_on_platform")

    assert shop.douyin.operated == 0


async def test_g_7_an_operation_that_is_no_longer_possible_is_refused_in_words_and_not_sent(shop: Shop) -> None:
    own = shop.apply()
    shop.do(own, transitions.withdraw)

    with pytest.raises(PlatformRefused, match=r"平台上已不能执行.*在平台处理: .*28"):
        await shop.perform(own, "agree_on_platform")
    with pytest.raises(PlatformRefused, match="平台上已不能执行"):
        await shop.perform(own, "refuse_on_platform", REFUSAL)
    assert shop.douyin.operated == 0


async def test_dr_6_a_refusal_is_done_once_the_platform_arbitrates_whatever_the_status(shop: Shop) -> None:
    own = shop.apply()
    shop.douyin.seen = lambda record: record.model_copy(update={"arbitration": 1})

    await shop.perform(own, "refuse_on_platform", REFUSAL)

    assert shop.douyin.operated == 0


@pytest.mark.parametrize(("reason", "arbitration"), [(NEVER, 1), (SHORT, 0)])
async def test_dr_6_dr_7_a_refusal_is_performed_once(shop: Shop, reason: str, arbitration: int) -> None:
    own = shop.apply(reason)

    for _ in range(2):
        await shop.perform(own, "refuse_on_platform", REFUSAL)
        shop.sandbox.advance(60)

    record = shop.record(own)
    assert (record.status, record.arbitration, shop.actions(own)) == (27, arbitration, ["拒绝补寄"])
    assert record.log[-1].text == "已签收"


async def test_dr_13_a_refusal_that_the_buyer_agreed_to_brings_the_consent(shop: Shop) -> None:
    own = shop.apply(SHORT)
    await shop.perform(own, "agree_on_platform")

    await shop.perform(own, "refuse_on_platform", {"reason": "缺货", "after_consent": True, "evidence": [CONSENT]})

    record = shop.record(own)
    assert (record.status, record.evidence[-1].urls) == (27, ("https://e/consent.png",))


async def test_dr_15_a_modified_application_is_refused_once_more(shop: Shop) -> None:
    own = shop.apply(SHORT)
    await shop.perform(own, "refuse_on_platform", REFUSAL)
    shop.do(own, transitions.modify, SHORT, "")

    await shop.perform(own, "refuse_on_platform", REFUSAL)

    assert shop.actions(own) == ["拒绝补寄", "修改售后申请", "拒绝补寄"]


async def test_dr_5_a_parcel_is_submitted_once(shop: Shop) -> None:
    own = shop.apply()
    await shop.perform(own, "agree_on_platform")

    for _ in range(2):
        await shop.perform(own, "push_tracking_number", PARCEL)

    parcel = shop.record(own).parcel
    assert parcel is not None
    assert (parcel.company_code, parcel.tracking_no) == ("shunfeng", "SF1")
    assert shop.actions(own) == ["同意补寄", "补寄发货"]


async def test_dr_5_another_parcel_than_the_platform_has_is_for_it_to_refuse(shop: Shop) -> None:
    own = shop.apply()
    await shop.perform(own, "agree_on_platform")
    await shop.perform(own, "push_tracking_number", PARCEL)
    with pytest.raises(PlatformRefused, match=r"afterSale\.fillLogistics"):
        await shop.perform(own, "push_tracking_number", PARCEL | {"tracking_no": "SF2"})


def pieces(*numbers: int) -> list[dict[str, Any]]:
    return [{"kind": "sms", "url": f"https://e/{number}.png", "note": f"第{number}张"} for number in numbers]


async def test_dr_18_evidence_is_handed_in_by_fours(shop: Shop) -> None:
    own = shop.apply()
    await shop.perform(own, "refuse_on_platform", REFUSAL)

    await shop.perform(own, "submit_evidence", {"evidence": [*pieces(1, 2, 3, 4, 5), CONSENT]})

    handed = shop.record(own).evidence
    assert [[url[-5] for url in piece.urls] for piece in handed] == [["1", "2", "3", "4"], ["5", "t"]]
    assert [piece.comment for piece in handed] == ["第1张;第2张;第3张;第4张", "第5张;buyer_consent"]


async def test_dr_18_what_the_record_shows_as_handed_in_is_not_handed_in_again(shop: Shop) -> None:
    own = shop.apply()
    await shop.perform(own, "refuse_on_platform", REFUSAL)
    shop.douyin.seen = lambda record: record.model_copy(update={"handed_in": ("https://e/1.png", "https://e/2.png")})

    await shop.perform(own, "submit_evidence", {"evidence": pieces(1, 2, 3)})
    await shop.perform(own, "submit_evidence", {"evidence": pieces(1, 2)})

    assert [piece.urls for piece in shop.record(own).evidence] == [("https://e/3.png",)]


async def test_a_record_that_changed_meanwhile_is_read_again_and_asked_once_more(shop: Shop) -> None:
    own = shop.apply()
    later = shop.record(own).deadline + HOUR
    shop.douyin.meanwhile = lambda: shop.do(own, transitions.set_deadline, later)
    call = shop.call(own, "agree_on_platform")

    await shop.port.perform(call.model_copy(update={"at": call.at + timedelta(seconds=5)}))  # not changed after it

    assert (shop.record(own).status, shop.douyin.operated) == (8, 2)


async def test_what_somebody_did_meanwhile_is_done(shop: Shop) -> None:
    own = shop.apply()
    shop.douyin.meanwhile = lambda: shop.do(own, transitions.agree)

    await shop.perform(own, "agree_on_platform")

    assert (shop.actions(own), shop.douyin.operated) == (["同意补寄"], 1)


async def test_what_became_impossible_meanwhile_is_refused_in_words(shop: Shop) -> None:
    own = shop.apply()
    shop.douyin.meanwhile = lambda: shop.do(own, transitions.withdraw)

    with pytest.raises(PlatformRefused, match="平台上已不能执行"):
        await shop.perform(own, "agree_on_platform")
    assert shop.douyin.operated == 1


async def test_g_7_a_refusal_that_is_not_about_a_change_is_not_tried_again(shop: Shop) -> None:
    own = shop.apply()
    shop.sandbox.faults.add(Fault(kind="refuse", method="afterSale.operate", text="店铺被处罚"))

    with pytest.raises(PlatformRefused, match="店铺被处罚"):
        await shop.perform(own, "agree_on_platform")
    assert shop.douyin.operated == 1


async def test_g_7_what_was_done_although_no_answer_came_is_not_done_again(shop: Shop) -> None:
    own = shop.apply()
    shop.sandbox.faults.add(Fault(kind="http_500", method="afterSale.operate", count=1, performed=True))
    with pytest.raises(PlatformUnreachable):
        await shop.perform(own, "agree_on_platform")

    await shop.perform(own, "agree_on_platform")

    assert (shop.actions(own), shop.douyin.operated) == (["同意补寄"], 1)


SAID = "success (log_id sandbox)"
EFFECTS_ON_PLATFORM = [
    ("agree_on_platform", "afterSale.operate", None, []),
    ("refuse_on_platform", "afterSale.operate", REFUSAL, []),
    ("push_tracking_number", "afterSale.fillLogistics", PARCEL, [(transitions.agree,)]),
    ("submit_evidence", "afterSale.submitEvidence", {"evidence": [CONSENT]}, [(transitions.refuse, "已签收")]),
]
"""Every effect with its method, a form, and what happened before."""


@pytest.mark.parametrize(("effect", "method", "form", "before"), EFFECTS_ON_PLATFORM)
async def test_g_10_an_effect_that_was_done_before_is_not_sent_and_one_that_was_not_says_what_the_platform_said(
    shop: Shop, effect: str, method: str, form: Any, before: list[Any]
) -> None:
    own = shop.apply()
    for step, *arguments in before:
        shop.do(own, step, *arguments)

    assert await shop.perform(own, effect, form) == EffectOutcome(said=SAID)
    shop.sandbox.faults.add(Fault(kind="refuse", method=method, text="不可重复"))
    assert await shop.perform(own, effect, form) == EffectOutcome(already=True)


@pytest.mark.parametrize(("effect", "method", "form", "before"), EFFECTS_ON_PLATFORM)
async def test_g_10_an_effect_whose_answer_was_lost_is_known_as_done(
    shop: Shop, effect: str, method: str, form: Any, before: list[Any]
) -> None:
    own = shop.apply()
    for step, *arguments in before:
        shop.do(own, step, *arguments)
    shop.sandbox.faults.add(Fault(kind="http_500", method=method, count=1, performed=True))
    with pytest.raises(PlatformUnreachable):
        await shop.perform(own, effect, form)
    done = shop.actions(own)

    assert await shop.perform(own, effect, form) == EffectOutcome(already=True)
    assert shop.actions(own) == done


@pytest.mark.parametrize(
    ("effect", "form", "late"),
    [
        ("agree_on_platform", None, (transitions.agree,)),
        ("refuse_on_platform", REFUSAL, (transitions.refuse, "已签收")),
        ("push_tracking_number", PARCEL, (transitions.ship, "shunfeng", "sf1")),
    ],
)
async def test_g_10_a_call_that_takes_effect_while_it_is_repeated_is_known_as_done(
    shop: Shop, effect: str, form: Any, late: Any
) -> None:
    own = shop.apply(SHORT)
    if effect == "push_tracking_number":
        shop.do(own, transitions.agree)
    step, *arguments = late
    shop.douyin.meanwhile = lambda: shop.do(own, step, *arguments)

    assert await shop.perform(own, effect, form) == EffectOutcome(already=True)


async def test_g_10_evidence_that_takes_effect_while_it_is_repeated_is_known_as_done(shop: Shop) -> None:
    own = shop.apply()
    shop.do(own, transitions.refuse, "已签收")

    def arrive_and_end() -> None:
        shop.do(own, transitions.submit_evidence, "", (CONSENT["url"],))
        shop.do(own, transitions.rule_refund)

    shop.douyin.meanwhile = arrive_and_end
    assert await shop.perform(own, "submit_evidence", {"evidence": [CONSENT]}) == EffectOutcome(already=True)


async def test_g_10_dr_15_a_decision_is_not_carried_out_on_an_application_made_after_it(shop: Shop) -> None:
    own = shop.apply(SHORT)
    refusal = shop.call(own, "refuse_on_platform", REFUSAL)
    shop.sandbox.faults.add(Fault(kind="http_500", method="afterSale.operate", count=1, performed=True))
    with pytest.raises(PlatformUnreachable):
        await shop.port.perform(refusal)
    shop.do(own, transitions.modify, SHORT, "换一个颜色")
    modified_at = datetime.fromtimestamp(shop.record(own).updated_at, UTC)

    # The call is repeated an hour after the decision, half an hour after the buyer's modification.
    shop.port = DouyinReshipAdapter(shop.douyin, now=lambda: modified_at + timedelta(minutes=30))
    for effect in ("refuse_on_platform", "agree_on_platform"):
        decided = shop.call(own, effect, REFUSAL).model_copy(update={"at": modified_at - timedelta(minutes=30)})
        with pytest.raises(PlatformRefused, match="changed after the decision"):
            await shop.port.perform(decided)
    assert shop.actions(own) == ["拒绝补寄", "修改售后申请"]

    again = shop.call(own, "refuse_on_platform", REFUSAL).model_copy(update={"at": modified_at + timedelta(minutes=20)})
    assert await shop.port.perform(again) == EffectOutcome(said=SAID)


@pytest.mark.parametrize(
    ("rule", "reason", "before", "decision"),
    [
        ("agree", NEVER, [], (transitions.agree,)),
        ("refuse", NEVER, [], (transitions.refuse, "已签收")),
        ("refuse", SHORT, [], (transitions.refuse, "已签收")),
        ("refuse", SHORT, [(transitions.agree,)], (transitions.refuse, "缺货", ("https://e/consent.png",))),
        ("ship", NEVER, [(transitions.agree,)], (transitions.ship, "shunfeng", "SF1")),
        (
            "add_evidence",
            NEVER,
            [(transitions.refuse, "已签收")],
            (transitions.submit_evidence, "", ("https://e/1.png",)),
        ),
    ],
)
async def test_the_echo_of_our_own_decision_names_it_and_when_or_moves_nothing(
    shop: Shop, rule: str, reason: str, before: list[Any], decision: tuple[Any, ...]
) -> None:
    own = shop.apply(reason)
    for step, *arguments in before:
        shop.do(own, step, *arguments)
    step, *arguments = decision
    change = step(shop.record(own), shop.sandbox.now() + 60, *arguments)

    for tag in change.tags:
        data = json.loads(wire.message(change.record, tag, as_text=False))
        report = shop.port.report_of(tag, "m1", data)
        if report and not shop.port.needs_record(report):
            assert rule in (report.rule, *report.otherwise)
            assert report.occurred_at == datetime.fromtimestamp(change.record.updated_at, UTC)
    looks = [report for report in reading.reports(record_of(change.record)) if report.rule]
    assert all(report.look and report.occurred_at for report in looks)


def record_of(record: AfterSaleRecord) -> AfterSale:
    return AfterSale.model_validate(wire.detail(record))


async def test_a_token_that_expires_meanwhile_is_not_noticed(shop: Shop) -> None:
    own = shop.apply()
    shop.douyin.meanwhile = shop.sandbox.expire_tokens

    await shop.perform(own, "agree_on_platform")

    assert shop.record(own).status == 8


async def test_what_changed_in_a_shop_is_listed(shop: Shop) -> None:
    since = datetime.fromtimestamp(shop.sandbox.now(), UTC)
    first, second = shop.apply(), shop.apply(SHORT)
    shop.sandbox.apply("1002", NEVER, 1)
    shop.do(first, transitions.agree)

    rows = [row async for row in shop.douyin.changed(SHOP, RESHIP_KIND, since, since + timedelta(hours=1))]

    assert [row.after_sale_id for row in rows] == [second, first]


@pytest.mark.parametrize(
    ("effect", "form", "said"),
    [
        ("contact_buyer", None, "no such effect"),
        ("refuse_on_platform", None, "refuse_on_platform: "),
        ("refuse_on_platform", {"reason": ""}, "refuse_on_platform: reason"),
        ("push_tracking_number", {"carrier": "x"}, "push_tracking_number: tracking_no"),
        ("submit_evidence", {"evidence": []}, "submit_evidence: evidence"),
    ],
)
async def test_an_effect_or_form_that_does_not_fit_is_named(shop: Shop, effect: str, form: Any, said: str) -> None:
    with pytest.raises(BadForm, match=said):
        await shop.perform(shop.apply(), effect, form)


async def test_facts_without_an_after_sale_are_refused(shop: Shop) -> None:
    call = shop.call("1", "agree_on_platform").model_copy(update={"facts": {}})
    with pytest.raises(BadForm, match="after_sale_id"):
        await shop.port.perform(call)


async def test_g_2_a_clock_that_has_run_out_led_where_the_platform_says(shop: Shop) -> None:
    own, due = shop.apply(), 0
    due = shop.record(own).deadline
    shop.sandbox.advance(48 * HOUR)
    record = shop.record(own)

    assert await shop.resolve_expiry(own, "awaiting_merchant", "auto_agree", due) == ExpiryOutcome(
        rule="auto_agree",
        occurred_at=datetime.fromtimestamp(due, UTC),
        deadline=datetime.fromtimestamp(record.deadline, UTC),
    )


@pytest.mark.parametrize("reason", [NEVER, SHORT])
async def test_g_2_dr_8_dr_9_a_missed_shipment_is_settled_by_reason(shop: Shop, reason: str) -> None:
    own = shop.apply(reason)
    due = shop.do(own, transitions.agree).deadline
    shop.sandbox.advance(48 * HOUR)

    outcome = await shop.resolve_expiry(own, "awaiting_shipment", "miss_shipment", due)

    window = None if reason == NEVER else datetime.fromtimestamp(due, UTC) + timedelta(hours=48)
    happened = datetime.fromtimestamp(due, UTC) if reason == NEVER else None
    assert outcome == ExpiryOutcome(rule="miss_shipment", occurred_at=happened, deadline=window)


async def test_g_1_a_deadline_that_was_put_off_counts(shop: Shop) -> None:
    for reason in (NEVER, SHORT):
        own = shop.apply(reason)
        due = shop.do(own, transitions.agree).deadline
        later = shop.do(own, transitions.set_deadline, due + HOUR).deadline
        outcome = await shop.resolve_expiry(own, "awaiting_shipment", "miss_shipment", due)
        record = shop.record(own)
        set_at = datetime.fromtimestamp(record.updated_at, UTC)
        assert outcome == ExpiryOutcome(deadline=datetime.fromtimestamp(later, UTC), occurred_at=set_at)


async def test_g_2_while_the_platform_waits_its_clock_is_not_settled(shop: Shop) -> None:
    own = shop.apply()
    with pytest.raises(NotResolvedYet, match=own):
        await shop.resolve_expiry(own, "awaiting_merchant", "auto_agree")


async def test_g_2_of_a_record_that_does_not_exist_the_platform_says_nothing(shop: Shop) -> None:
    assert await shop.resolve_expiry("1", "awaiting_merchant", "auto_agree", 1_768_960_800) == ExpiryOutcome()


async def test_g_2_a_platform_that_does_not_let_us_in_is_not_taken_for_no_record(shop: Shop) -> None:
    own = shop.apply()
    shop.sandbox.faults.add(Fault(kind="refuse", method="afterSale.Detail", code=30001, text="操作权限不足"))
    with pytest.raises(PlatformRefused, match="30001"):
        await shop.resolve_expiry(own, "awaiting_merchant", "auto_agree")


T0 = datetime(2026, 1, 20, 1, tzinfo=UTC)
DUE = T0 + timedelta(hours=48)


def sale(status: int, **fields: Any) -> AfterSale:
    """Return a record that changed an hour after its clock ran out."""
    info = {
        "after_sale_id": 42,
        "after_sale_status": status,
        "after_sale_type": fields.get("kind", 7),
        "apply_time": int(T0.timestamp()),
        "update_time": int(fields.get("updated", DUE + timedelta(hours=1)).timestamp()),
        "status_deadline": int(fields["deadline"].timestamp()) if "deadline" in fields else 0,
        "reason": fields.get("reason", NEVER),
        "reason_remark": "少了",
    }
    shipped = int((DUE - timedelta(hours=2)).timestamp())
    parcel = {"company_code": "shunfeng", "tracking_no": "SF1", "logistics_time": shipped}
    info: dict[str, Any] = {
        "after_sale_info": info,
        "arbitrate_info": {
            "arbitrate_status": fields.get("arbitration", 0),
            "arbitrate_conclusion": fields.get("conclusion", 0),
            "is_required_evidence": fields.get("required", False),
            "arbitrate_status_deadline": str(int(fields["until"].timestamp())) if "until" in fields else "0",
        },
        "logistics_info": {"resend": parcel if status in (13, 14) and fields.get("parcel", True) else None},
    }
    return AfterSale.model_validate({"process_info": info, "order_info": {"shop_order_id": 1}})


def settled(state: str, record: AfterSale, now: datetime = DUE) -> ExpiryOutcome:
    return reading.expiry_outcome(question("42", state, "clock", int(DUE.timestamp())), record, now)


@pytest.mark.parametrize(
    ("state", "status", "arbitration", "rule"),
    [
        ("awaiting_merchant", 8, 0, "auto_agree"),
        ("awaiting_merchant", 13, 0, "auto_agree"),
        ("awaiting_merchant", 14, 0, "auto_agree"),
        ("awaiting_merchant", 12, 0, "auto_agree"),
        ("awaiting_merchant", 27, 0, "refuse"),
        ("awaiting_merchant", 27, 1, "refuse"),
        ("awaiting_merchant", 12, 2, "refuse"),
        ("awaiting_merchant", 28, 3, "refuse"),
        ("awaiting_merchant", 28, 0, "withdraw"),
        ("awaiting_merchant", 28, 255, "withdraw"),
        ("awaiting_shipment", 12, 0, "miss_shipment"),
        ("awaiting_shipment", 13, 0, "ship"),
        ("awaiting_shipment", 14, 2, "ship"),
        ("awaiting_shipment", 27, 0, "refuse"),
        ("awaiting_shipment", 27, 1, "refuse"),
        ("awaiting_shipment", 8, 1, "miss_shipment"),
        ("awaiting_shipment", 28, 3, "refuse"),
        ("awaiting_shipment", 28, 2, "withdraw"),
        ("awaiting_shipment", 6, 0, "miss_shipment"),
        ("refused", 27, 1, "request_intervention"),
        ("refused", 27, 4, "request_intervention"),
        ("refused", 27, 5, "request_intervention"),
        ("refused", 28, 3, "request_intervention"),
        ("refused", 12, 2, "request_intervention"),
        ("refused", 8, 2, "request_intervention"),
        ("refused", 13, 6, "request_intervention"),
        ("refused", 8, 0, "modify"),
        ("refused", 6, 0, "modify"),
        ("refused", 28, 0, "lapse"),
        ("overdue", 28, 0, "lapse"),
        ("overdue", 28, 2, "lapse"),
        ("overdue", 28, 3, "request_intervention"),
        ("overdue", 8, 1, "request_intervention"),
        ("overdue", 12, 2, "request_intervention"),
        ("overdue", 13, 0, "ship"),
        ("overdue", 13, 2, "ship"),
        ("overdue", 6, 0, "modify"),
    ],
)
def test_g_2_from_a_state_to_a_status_leads_a_rule(state: str, status: int, arbitration: int, rule: str) -> None:
    assert settled(state, sale(status, arbitration=arbitration)).rule == rule


RULED_FOR_BUYER, RULED_FOR_SELLER, REFUNDED_AT_ONCE, CALLED_OFF = (
    {"arbitration": 255, "conclusion": conclusion} for conclusion in (1, 2, 3, 0)
)


@pytest.mark.parametrize(
    ("state", "status", "ended", "rule"),
    [
        ("awaiting_merchant", 28, RULED_FOR_SELLER, "refuse"),
        ("awaiting_merchant", 28, CALLED_OFF, "withdraw"),
        ("awaiting_merchant", 12, REFUNDED_AT_ONCE, "refuse"),
        ("awaiting_shipment", 28, RULED_FOR_SELLER, "refuse"),
        ("awaiting_shipment", 28, CALLED_OFF, "withdraw"),
        ("refused", 28, RULED_FOR_SELLER, "request_intervention"),
        ("refused", 28, CALLED_OFF, "lapse"),
        ("refused", 12, REFUNDED_AT_ONCE, "request_intervention"),
        ("refused", 8, RULED_FOR_BUYER, "request_intervention"),
        ("refused", 27, RULED_FOR_BUYER, "request_intervention"),
        ("refused", 8, CALLED_OFF, "modify"),
        ("overdue", 28, RULED_FOR_SELLER, "request_intervention"),
        ("overdue", 28, CALLED_OFF, "lapse"),
    ],
)
def test_dr_18_the_conclusion_decides_how_an_arbitration_ended(
    state: str, status: int, ended: dict[str, int], rule: str
) -> None:
    assert settled(state, sale(status, **ended)).rule == rule


def test_dr_18_a_ruling_for_the_buyer_leaves_the_merchant_to_ship_whether_it_has_agreed_or_not() -> None:
    late, later = DUE - timedelta(seconds=1), DUE + timedelta(hours=3)
    ruled = {**RULED_FOR_BUYER, "reason": SHORT, "updated": T0}

    assert settled("awaiting_shipment", sale(27, **ruled, deadline=later)) == ExpiryOutcome(
        deadline=later, occurred_at=T0
    )
    assert settled("awaiting_shipment", sale(27, **ruled, deadline=late)).rule == "miss_shipment"
    [agreed, waits] = reading.reports(sale(27, **ruled, deadline=later))
    assert (agreed.rule, agreed.otherwise) == ("agree", ("auto_agree", "rule_reship"))
    assert (waits.deadline, waits.states) == (later, ("awaiting_shipment", "overdue"))


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({"arbitration": 4, "until": DUE}, DUE),
        ({"arbitration": 1, "required": True, "until": DUE}, DUE),
        ({"arbitration": 1, "until": DUE}, None),
        ({"arbitration": 4}, None),
        ({"arbitration": 255, "conclusion": 2, "required": True, "until": DUE}, None),
    ],
)
def test_dr_20_a_record_says_until_when_evidence_is_wanted(fields: dict[str, Any], until: datetime | None) -> None:
    asked = [report for report in reading.reports(sale(27, **fields)) if report.rule == "ask_evidence"]

    assert [report.form for report in asked] == ([{"until": until.isoformat()}] if until else [])
    changed = reading.reports(sale(27, **fields, updated=DUE + timedelta(hours=9)))
    assert [report.message_id for report in changed if report.rule == "ask_evidence"] == [
        report.message_id for report in asked
    ]


@pytest.mark.parametrize(
    ("state", "status", "fields"),
    [
        ("awaiting_merchant", 6, {}),
        ("awaiting_shipment", 8, {}),
        ("awaiting_shipment", 8, {"reason": SHORT}),
        ("overdue", 8, {"reason": SHORT}),
        ("overdue", 8, {"arbitration": 255}),
        ("overdue", 8, {"reason": SHORT, "arbitration": 2}),
    ],
)
def test_g_2_where_nothing_moved_the_platform_has_not_decided(state: str, status: int, fields: Any) -> None:
    with pytest.raises(NotResolvedYet):
        settled(state, sale(status, **fields))
    if state != "awaiting_shipment":
        later = sale(status, **fields, deadline=DUE + timedelta(hours=3))
        put_off = ExpiryOutcome(deadline=DUE + timedelta(hours=3), occurred_at=later.updated_at)
        assert settled(state, later) == put_off


def test_g_2_a_deadline_of_the_platform_that_is_over_as_well_is_waited_for() -> None:
    with pytest.raises(NotResolvedYet):
        settled("awaiting_merchant", sale(6, deadline=DUE + timedelta(hours=3)), DUE + timedelta(hours=4))


def test_g_2_dr_8_dr_9_status_8_past_its_deadline_is_overdue_unless_it_leads_to_a_refund() -> None:
    late = DUE - timedelta(seconds=1)

    assert settled("awaiting_shipment", sale(8, reason=SHORT, deadline=late)).rule == "miss_shipment"
    with pytest.raises(NotResolvedYet):
        settled("awaiting_shipment", sale(8, reason=NEVER, deadline=late))


@pytest.mark.parametrize("status", [7, 11, 29, 51, 53])
def test_g_2_a_status_of_which_nothing_is_known_needs_a_person(status: int) -> None:
    with pytest.raises(PlatformRefused, match=f"请人工核实.*awaiting_merchant -> {status}"):
        settled("awaiting_merchant", sale(status))


@pytest.mark.parametrize(
    ("updated", "rule"),
    [(DUE - timedelta(hours=1), None), (DUE - timedelta(seconds=30), "miss_shipment"), (DUE, "miss_shipment")],
)
def test_g_2_dr_9_status_8_means_overdue_once_the_buyers_window_runs(updated: datetime, rule: str | None) -> None:
    window = DUE + timedelta(hours=48)

    outcome = settled("awaiting_shipment", sale(8, reason=SHORT, updated=updated, deadline=window))

    assert outcome == ExpiryOutcome(rule=rule, deadline=window, occurred_at=None if rule else updated)


def test_g_2_a_shipment_is_settled_with_its_parcel_and_instant() -> None:
    outcome = settled("awaiting_shipment", sale(14))

    assert (outcome.form, outcome.occurred_at) == (PARCEL, DUE - timedelta(hours=2))
    assert settled("awaiting_shipment", sale(13, parcel=False)).form is None


def test_g_2_a_modification_is_settled_with_its_reason_and_deadline() -> None:
    outcome = settled("refused", sale(6, reason=SHORT, deadline=DUE + timedelta(hours=9)))

    assert outcome.form == {"reason": "short_shipped", "description": "少了"}
    assert (outcome.occurred_at, outcome.deadline) == (DUE + timedelta(hours=1), DUE + timedelta(hours=9))


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [("awaiting_merchant", 13, NEVER), ("refused", 12, NEVER), ("awaiting_shipment", 12, SHORT)],
)
def test_g_2_what_happened_on_the_way_has_no_instant_of_its_own(state: str, status: int, reason: str) -> None:
    outcome = settled(state, sale(status, reason=reason))

    assert (outcome.occurred_at, outcome.deadline) == (None, None)


AGREED = ("agree", "auto_agree", "rule_reship")


@pytest.mark.parametrize(
    ("status", "arbitration", "steps"),
    [
        (8, 0, [AGREED]),
        (13, 0, [AGREED, ("ship",)]),
        (14, 0, [AGREED, ("ship",), ("sign",)]),
        (12, 0, [("miss_shipment", "rule_refund")]),
        (12, 2, [("refuse",), ("request_intervention", "refuse"), ("miss_shipment", "rule_refund")]),
        (27, 0, [("refuse",)]),
        (28, 0, [("withdraw", "rule_dismiss", "lapse")]),
        (28, 3, [("refuse",), ("request_intervention", "refuse"), ("rule_dismiss", "withdraw", "lapse")]),
        (28, 255, [("withdraw", "rule_dismiss", "lapse")]),
        (27, 1, [("refuse",), ("request_intervention", "refuse")]),
        (8, 4, [("request_intervention", "refuse")]),
        (8, 5, [("request_intervention", "refuse")]),
        (8, 2, [AGREED]),
        (6, 0, [("modify",)]),
        (7, 0, []),
    ],
)
def test_a_record_shows_what_must_have_happened(status: int, arbitration: int, steps: list[tuple[str, ...]]) -> None:
    record = sale(status, arbitration=arbitration, deadline=DUE + timedelta(hours=9))

    runs = status in (6, 8, 27) and arbitration in (0, 2)

    told = reading.reports(record)
    reports = [report for report in told if report.rule]

    assert [(report.rule, *report.otherwise) for report in reports] == steps
    assert [report.message_id for report in reports] == [
        f"detail/42/{record.update_time}/{rules[0]}" for rules in steps
    ]
    assert reading.reports(record) == told
    assert told[len(reports) :] == ([deadline_of(record)] if runs else [])
    if reports:
        assert reports[-1].occurred_at == (DUE - timedelta(hours=2) if status == 13 else record.updated_at)
        assert reports[-1].deadline == (record.deadline if runs else None)
        assert all(report.deadline is None for report in reports[:-1])


def deadline_of(record: AfterSale) -> Report:
    """Return the report that a clock runs, alone."""
    assert record.deadline
    states = {6: ("awaiting_merchant",), 8: ("awaiting_shipment", "overdue"), 27: ("refused",)}
    return Report(
        message_id=f"detail/42/{record.update_time}/deadline/{record.deadline.isoformat()}",
        occurred_at=record.updated_at,
        deadline=record.deadline,
        states=states[record.status],
        look=True,
    )


def test_what_came_before_happened_no_later_than_the_shipment() -> None:
    agreed, shipped, signed = reading.reports(sale(14))

    assert agreed.occurred_at == shipped.occurred_at == DUE - timedelta(hours=2)
    assert signed.occurred_at == DUE + timedelta(hours=1)
    assert (shipped.form, agreed.form) == (PARCEL, None)


def test_a_fresh_application_reports_only_its_deadline() -> None:
    record = sale(6, updated=T0, deadline=DUE)

    assert reading.reports(record) == [deadline_of(record)]
    assert reading.reports(sale(6, updated=T0)) == []


@pytest.mark.parametrize("status", [6, 8, 27])
def test_g_12_each_deadline_of_a_record_is_a_message_of_its_own(status: int) -> None:
    for updated in (T0, T0 + timedelta(hours=1)):
        earlier, later = (sale(status, updated=updated, deadline=DUE + timedelta(hours=by)) for by in (1, 2))
        ids = [reading.reports(record)[-1].message_id for record in (earlier, earlier, later)]
        assert len(set(ids)) == 2
        assert ids[0] == ids[1]


@pytest.mark.parametrize("steps", range(4))
async def test_g_12_a_look_restores_a_deadline_whose_message_was_lost(shop: Shop, steps: int) -> None:
    journey = [
        (transitions.agree,),
        (transitions.refuse, "协商一致", ("https://e/consent.png",)),
        (transitions.modify, SHORT, ""),
    ]
    own = shop.apply(SHORT)
    of = CaseMachine(RESHIP, f"douyin_reship/{own}", RESHIP.open_case(Opening(facts=await shop.port.facts(SHOP, own))))
    for step, *arguments in journey[:steps]:
        shop.do(own, step, *arguments)
    await follow(shop, of, own)

    for hours in (1, 2):
        later = shop.record(own).deadline + hours * HOUR
        shop.do(own, transitions.set_deadline, later)  # its message 209 is lost
        await follow(shop, of, own)
        assert [int(deadline.due.timestamp()) for deadline in of.deadlines()] == [later]


async def test_g_12_a_deadline_is_not_taken_for_that_of_another_state(shop: Shop) -> None:
    own = shop.apply(SHORT)
    opened = RESHIP.open_case(Opening(facts=await shop.port.facts(SHOP, own)))
    # A case from before DR-21 cannot follow a record from a refusal to an agreement.
    of = CaseMachine(RESHIP, f"douyin_reship/{own}", opened.as_opened_with("2026-11-26"))
    shop.do(own, transitions.refuse, "已签收")
    await follow(shop, of, own)
    (lapse,) = of.deadlines()
    shop.do(own, transitions.modify, SHORT, "")  # its message is lost
    shop.sandbox.advance(HOUR)
    shop.do(own, transitions.agree)

    assert await follow(shop, of, own) == ["refused"]
    assert of.deadlines() == [lapse]


async def test_dr_21_an_agreement_after_a_refusal_is_followed_by_message_and_by_record(shop: Shop) -> None:
    for heard in ("message", "record"):
        own = shop.apply(SHORT)
        facts = await shop.port.facts(SHOP, own)
        of = CaseMachine(RESHIP, f"douyin_reship/{own}", RESHIP.open_case(Opening(facts=facts)))
        shop.do(own, transitions.refuse, "已签收")
        assert await follow(shop, of, own) == ["refused"]
        record = shop.do(own, transitions.agree)
        if heard == "message":
            report = shop.port.report_of("227", "m1", json.loads(wire.message(record, "227", as_text=True)))
            assert report
            of.receive(report, datetime.fromtimestamp(shop.sandbox.now(), UTC))
            assert where(of) == ["awaiting_shipment"]
        assert await follow(shop, of, own) == ["awaiting_shipment"]
        assert [entry.clause for entry in of.state.timeline] == ["DR-7", "DR-21"]
        assert [int(deadline.due.timestamp()) for deadline in of.deadlines()] == [record.deadline]


async def test_dr_21_agreeing_after_a_refusal_is_performed_once(shop: Shop) -> None:
    own = shop.apply(SHORT)
    await shop.perform(own, "refuse_on_platform", REFUSAL)

    for _ in range(2):
        await shop.perform(own, "agree_on_platform")
        shop.sandbox.advance(60)

    assert (shop.record(own).status, shop.actions(own)) == (8, ["拒绝补寄", "同意补寄"])


async def test_dr_20_a_record_that_waits_for_evidence_tells_a_case_until_when(shop: Shop) -> None:
    own = shop.apply(NEVER)
    facts = await shop.port.facts(SHOP, own)
    of = PromptMachine(RESHIP, f"douyin_reship/{own}", RESHIP.open_case(Opening(facts=facts)))
    shop.do(own, transitions.refuse, "已签收")
    wanted = shop.do(own, transitions.want_evidence)
    for _ in range(2):  # told twice, it is waited for once
        assert await follow(shop, of, own) == ["arbitration"]

    assert [(clock.rule, int(clock.due.timestamp())) for clock in of.deadlines()] == [
        ("evidence_over", wanted.evidence_deadline)
    ]
    later = shop.do(own, transitions.want_evidence, wanted.evidence_deadline + HOUR)
    await follow(shop, of, own)
    assert [int(clock.due.timestamp()) for clock in of.deadlines()] == [later.evidence_deadline]
    assert [entry.rule for entry in of.state.timeline][-2:] == ["ask_evidence", "ask_evidence"]


@pytest.mark.parametrize("status", [6, 8, 27])
def test_g_12_whatever_sets_a_deadline_says_when_it_was_set(status: int) -> None:
    record = sale(status, reason=SHORT, deadline=DUE + timedelta(hours=9))

    assert {report.occurred_at for report in reading.reports(record) if report.deadline} == {record.updated_at}


def test_another_kind_of_after_sale_is_refused() -> None:
    with pytest.raises(PlatformRefused, match=r"not a reship \(type 0\)"):
        reading.facts(SHOP, sale(6, kind=0))


@pytest.mark.parametrize("order", [None, {"shop_order_id": 1}, {"sku_order_infos": [{"pay_amount": 100}]}])
async def test_a_record_whose_order_we_may_not_read_opens_no_case_by_guess_but_is_acted_on_and_followed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, order: Any
) -> None:
    whole = wire.detail
    monkeypatch.setattr(wire, "detail", lambda record, **named: whole(record, **named) | {"order_info": order})
    own = shop.apply(SHORT)

    with pytest.raises(PlatformRefused, match="order_info"):
        await shop.port.facts(SHOP, own)
    await shop.perform(own, "agree_on_platform")
    assert shop.record(own).status == 8
    assert [report.rule for report in await shop.port.story(SHOP, own)] == ["agree", None]


async def follow(shop: Shop, of: CaseMachine, own: str) -> list[str]:
    """Report to a case what the record says, and return its state."""
    now = datetime.fromtimestamp(shop.sandbox.now(), UTC)
    for report in await shop.port.story(SHOP, own):
        of.receive(report, now)
    return where(of)


JOURNEYS = {
    "agreed": (NEVER, [(transitions.agree,)], "awaiting_shipment"),
    "signed": (
        SHORT,
        [(transitions.agree,), (transitions.ship, "shunfeng", "SF1"), (transitions.sign,)],
        "completed",
    ),
    "disputed": (NEVER, [(transitions.refuse, "已签收")], "arbitration"),
    "dismissed": (NEVER, [(transitions.refuse, "已签收"), (transitions.rule_dismiss,)], "dismissed"),
    "refunded": (NEVER, [(transitions.refuse, "已签收"), (transitions.rule_refund,)], "refunded"),
    "refused": (SHORT, [(transitions.refuse, "已签收")], "refused"),
    "asked-dismissed": (
        SHORT,
        [(transitions.refuse, "已签收"), (transitions.ask_platform,), (transitions.rule_dismiss,)],
        "dismissed",
    ),
    "asked-refunded": (
        SHORT,
        [(transitions.refuse, "已签收"), (transitions.ask_platform,), (transitions.rule_refund,)],
        "refunded",
    ),
    "withdrawn": (SHORT, [(transitions.refuse, "已签收"), (transitions.withdraw,)], "withdrawn"),
}


@pytest.mark.parametrize("every_step", [True, False])
@pytest.mark.parametrize("journey", JOURNEYS)
async def test_a_case_that_hears_the_records_reports_comes_to_stand_where_the_platform_does(
    shop: Shop, journey: str, *, every_step: bool
) -> None:
    reason, steps, state = JOURNEYS[journey]
    own = shop.apply(reason)
    facts = await shop.port.facts(SHOP, own)
    of = PromptMachine(RESHIP, f"douyin_reship/{own}", RESHIP.open_case(Opening(facts=facts)))

    for step, *arguments in steps:
        shop.do(own, step, *arguments)
        if every_step:
            await follow(shop, of, own)

    assert await follow(shop, of, own) == [state]
    assert [effect.effect for effect in of.state.pending] == (["tell_refund"] if state == "refunded" else [])  # G-15
    assert of.state.ignored == []
