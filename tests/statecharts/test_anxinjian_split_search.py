"""A search for sequences of actions, messages, answers and waits that break an invariant of split items."""

import json
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cases.anxinjian_split import Way, WhyUnsigned
from cases.errors import CaseError
from cases.messages import ExpiryOutcome, Opening
from statecharts.rules import Party
from tests.support.processes.splits import (
    ENDS,
    ITEM,
    ITEM_WAY,
    KEEP_ALL,
    KEEP_SINGLE,
    OPENED,
    SPLIT,
    WAIVED_WAY,
    form_of,
    order_ids,
    split_facts,
)
from tests.support.rules.machines import PromptMachine, decide
from workflows.engine import decisions
from workflows.engine.case_workflow import take_message
from workflows.engine.continue_as_new import next_input, open_machine
from workflows.engine.machine import CaseMachine
from workflows.engine.state import TimelineEntry

CASE_ID = "anxinjian_split/I1"
ACTS = [name for name, rule in SPLIT.rules.items() if rule.clock is None]
MESSAGES = [
    *(name for name, rule in SPLIT.rules.items() if rule.party in (Party.PLATFORM, Party.BUYER)),
    "choose",
    "waive",
    "sign_in",
    "explain_unsigned",
    "print_waybill",
    "authenticate",
    "report_blocked",
    "return_item",
    "ship_offline",
    "auto_refund",
]
ANSWERS = ["auto_refund", "confirm_receipt", "deliver", "refund_order", "report_blocked", "ship_offline"]
POLICIES: list[dict[str, Any]] = [{}, {"default_decision": "choose", "default_form": KEEP_ALL}]
CHOICES = [KEEP_ALL, KEEP_SINGLE, {"way": "keep_all"}, KEEP_SINGLE | {"freight_consent": True}]
H24 = 24 * 3600
WAITS = st.one_of(
    st.integers(min_value=0, max_value=H24),
    st.sampled_from([1, 60, H24 - 1, H24, H24 + 1, 3 * H24, 10 * H24]),
).map(lambda seconds: timedelta(seconds=seconds))
RECEIPTS = st.sampled_from(["10d", "3d", None, "20d", "20h"])
ORDERS = st.integers(min_value=0, max_value=3)
FORMS = st.fixed_dictionaries(
    {
        "choose": st.sampled_from(CHOICES),
        "explain_unsigned": st.sampled_from(
            [{"why": why} for why in ("refunded_before_shipping", "in_transit", "unknown")]
        ),
        "print_waybill": st.sampled_from([{"carrier": "YTO", "tracking_no": number} for number in ("YT1", "YT2")]),
        "authenticate": st.sampled_from([{"verdict": verdict} for verdict in ("pass", "fail", "pass")]),
        "report_blocked": st.sampled_from([{"step": step} for step in ("sign_in", "pack")]),
    }
)
UNSIGNED = ("awaiting_sign_in", "unverified")


class Split(RuleBasedStateMachine):
    """An item of one to four orders; ``ways`` are those of which one may be chosen at its opening."""

    sizes: ClassVar[tuple[int, ...]] = (2, 3, 4, 1)
    ways: ClassVar[tuple[dict[str, Any] | None, ...]] = (None, *CHOICES)

    @initialize(
        size=st.integers(min_value=0, max_value=3),
        way=st.integers(min_value=0, max_value=4),
        receipts=st.tuples(RECEIPTS, RECEIPTS, RECEIPTS, RECEIPTS),
        policy=st.sampled_from(POLICIES),
    )
    def open_case(self, size: int, way: int, receipts: tuple[str | None, ...], policy: dict[str, Any]) -> None:
        many, chosen = self.sizes[size % len(self.sizes)], self.ways[way % len(self.ways)]
        receipt_of = dict(zip(order_ids(many), receipts, strict=False))
        case = SPLIT.open_case(Opening(facts=split_facts(many, **receipt_of), policy=policy))
        self.now: datetime = OPENED
        self.machine = PromptMachine(SPLIT, CASE_ID, case, now=OPENED)
        self.machine.advance(self.now)
        if chosen is not None:
            fits = many > 1 and self.fits("choose", None, chosen)
            assert self.attempt(self.machine, "choose", None, chosen) == fits

    def order(self, number: int) -> str:
        orders = self.machine.case.orders
        return orders[(number + 1) % len(orders)]  # the simplest draw is an order without the item

    def snapshot(self) -> str:
        return json.dumps(next_input(self.machine))

    def fits(self, name: str, order: str | None, form: dict[str, Any]) -> bool:
        """Return whether a form fits what is offered: with consent (AX-6), or to the step where the order stands."""
        if name == "choose":
            return form["way"] == "keep_single" or bool(form.get("freight_consent"))
        if name == "report_blocked" and order in self.machine.case.orders:
            return (form["step"] == "sign_in") is (self.where(str(order)) in UNSIGNED)
        return True

    def attempt(self, of: CaseMachine, name: str, order: str | None, form: dict[str, Any]) -> bool:
        """Return whether an action is accepted; a refused one must not change anything."""
        before = json.dumps(next_input(of))
        try:
            decide(of, name, form | ({"order": order} if order else {}), self.now)
        except CaseError:
            assert json.dumps(next_input(of)) == before
            return False
        of.advance(self.now)
        return True

    @rule(name=st.sampled_from(ACTS), number=ORDERS, forms=FORMS)
    def somebody_tries(self, name: str, number: int, forms: dict[str, Any]) -> None:
        order = self.order(number) if SPLIT.names_order(name) else None
        form = forms.get(name) or form_of(name, order or "")
        offered = decisions.Choice(name, order) in decisions.allowed(self.machine, self.now) and self.fits(
            name, order, form
        )
        before, fork = self.snapshot(), self.machine.fork()

        assert self.attempt(fork, name, order, form) == offered
        assert self.snapshot() == before
        assert self.attempt(self.machine, name, order, form) == offered
        if order is not None:
            assert not self.attempt(self.machine, name, "O9", form)

    @precondition(lambda self: decisions.allowed(self.machine, self.now))
    @rule(number=st.integers(min_value=0, max_value=30), forms=FORMS)
    def somebody_does_what_is_offered(self, number: int, forms: dict[str, Any]) -> None:
        offered = decisions.allowed(self.machine, self.now)
        choice = offered[number % len(offered)]
        form = forms.get(choice.rule) or form_of(choice.rule, choice.order or "")

        fits = self.fits(choice.rule, choice.order, form)
        assert self.attempt(self.machine, choice.rule, choice.order, form) == fits

    @rule(number=ORDERS, steps=st.integers(min_value=1, max_value=8), forms=FORMS)
    def an_order_goes_its_way(self, number: int, steps: int, forms: dict[str, Any]) -> None:
        order = self.order(number)
        for _ in range(steps):
            open_rules = {choice.rule for choice in decisions.allowed(self.machine, self.now) if choice.order == order}
            name = next((rule for rule in (*WAIVED_WAY, *ITEM_WAY) if rule in open_rules), None)
            if name is None:
                return
            assert self.attempt(self.machine, name, order, forms.get(name) or form_of(name, order))

    @rule(
        name=st.sampled_from(MESSAGES),
        number=ORDERS,
        forms=FORMS,
        formless=st.booleans(),
        before=st.one_of(st.none(), WAITS),
        deadline=st.one_of(st.none(), st.none(), WAITS),
        message_id=st.sampled_from([None, None, "m1", "m2"]),
    )
    def the_platform_reports(
        self,
        name: str,
        number: int,
        forms: dict[str, Any],
        before: timedelta | None,
        deadline: timedelta | None,
        message_id: str | None,
        *,
        formless: bool,
    ) -> None:
        order = self.order(number)
        message = {
            "rule": name,
            "order": order,
            "form": None if formless else forms.get(name) or form_of(name, order) or None,
            "occurred_at": None if before is None else (self.now - before).isoformat(),
            "deadline": None if deadline is None else (self.now + deadline).isoformat(),
            "message_id": message_id,
        }
        known = message_id in self.machine.state.seen
        unchanged = self.snapshot()

        take_message(self.machine, message, self.now)

        if known:
            assert self.snapshot() == unchanged

    @rule(number=ORDERS)
    def the_platform_refunds(self, number: int) -> None:
        order = self.order(number)
        settling = bool(self.machine.state.expiries) or self.machine.closed
        open_yet = self.where(order) not in ("failed", *ENDS)

        take_message(self.machine, {"rule": "refund_order", "order": order}, self.now)

        assert settling or not open_yet or self.where(order) in ("cancelled", "failed", "refunded")

    @rule(number=ORDERS, wait=WAITS)
    def the_platform_gives_its_own_deadline(self, number: int, wait: timedelta) -> None:
        order, deadline = self.order(number), self.now + wait
        open_yet = self.where(order) not in ("failed", *ENDS) and not self.machine.closed
        held = bool(self.machine.state.held)  # what waited for the answer may apply now, with a deadline of its own

        take_message(self.machine, {"order": order, "deadline": deadline.isoformat()}, self.now)

        dues = [
            deadline.due
            for deadline in self.machine.deadlines()
            if (deadline.rule, deadline.order) == ("auto_refund", order)
        ]
        assert held or dues == ([deadline] if open_yet else [])

    @rule(wait=st.one_of(st.none(), WAITS))
    def time_passes(self, wait: timedelta | None) -> None:
        self.now = self.now + wait if wait is not None else self.machine.next_instant(self.now) or self.now
        self.machine.advance(self.now)

    @precondition(lambda self: self.machine.state.expiries)
    @rule(
        which=st.integers(min_value=0, max_value=3),
        name=st.one_of(st.none(), st.sampled_from(ANSWERS)),
        before=WAITS,
        more=st.one_of(st.none(), st.none(), WAITS),
    )
    def the_platform_answers(self, which: int, name: str | None, before: timedelta, more: timedelta | None) -> None:
        settling = self.machine.state.expiries
        asked = settling[which % len(settling)]
        answer = ExpiryOutcome(
            rule=name,
            occurred_at=self.now - before if name else None,
            deadline=None if more is None else self.now + more,
        )
        if asked.why:
            self.machine.done_by_hand({"serial": asked.serial}, self.now)
        else:
            self.machine.resolve_expiry(asked.serial, answer, self.now)
        self.machine.advance(self.now)

    @rule()
    def it_is_carried_over(self) -> None:
        before, states = self.snapshot(), self.machine.states()
        deadlines, choices = self.machine.deadlines(), decisions.allowed(self.machine, self.now)

        self.machine = open_machine(SPLIT, CASE_ID, (json.loads(before),), self.now, resumed=True)

        assert self.snapshot() == before
        assert (self.machine.states(), self.machine.deadlines(), decisions.allowed(self.machine, self.now)) == (
            states,
            deadlines,
            choices,
        )
        self.machine.advance(self.now)
        assert self.snapshot() == before

    def of(self, order: str | None) -> list[TimelineEntry]:
        return [entry for entry in self.machine.state.timeline if entry.order == order]

    def where(self, order: str) -> str:
        (state,) = self.machine.chart_view(order).states
        return state

    @invariant()
    def ax_1_an_order_unsigned_stands_where_its_reason_leads(self) -> None:
        case, settling = self.machine.case, {expiry.order for expiry in self.machine.state.expiries}
        fitting = {
            "awaiting_sign_in": (None, WhyUnsigned.IN_TRANSIT),
            "unverified": (None, WhyUnsigned.UNKNOWN),
        }
        for order in case.orders:
            why = case.unsigned.get(order)
            assert order in settling or why in fitting.get(self.where(order), (why,))
            if "found_refunded" in {entry.rule for entry in self.of(order)}:
                assert why is WhyUnsigned.REFUNDED_BEFORE_SHIPPING

    @invariant()
    def ax_2_unblocked_it_stands_where_it_stood(self) -> None:
        for order in self.machine.case.orders:
            stood: list[list[str]] = []
            for entry in self.of(order):
                if entry.rule == "report_blocked":
                    stood.append(entry.left)
                if entry.rule == "unblock":
                    assert entry.reached == stood.pop()

    @invariant()
    def ax_3_nothing_is_shipped_offline(self) -> None:
        assert "ship_offline" not in {entry.rule for entry in self.machine.state.timeline}
        assert "ship_offline" not in decisions.orders_by_rule(decisions.allowed(self.machine, self.now))

    @invariant()
    def ax_4_one_order_at_most_was_authenticated_and_only_the_items(self) -> None:
        authenticated = [entry.order for entry in self.machine.state.timeline if entry.rule == "authenticate"]
        assert authenticated in ([], [ITEM])

    @invariant()
    def ax_5_ax_6_the_way_that_counts_was_chosen_with_consent_and_stays_once_it_was_acted_on(self) -> None:
        way, acted_on, waived = None, False, set[str | None]()
        for entry in self.machine.state.timeline:
            form = entry.form or {}
            match entry.rule:
                case "choose":
                    assert not acted_on
                    assert form["way"] == Way.KEEP_SINGLE or form["freight_consent"]
                    way = Way(form["way"])
                case "buyer_keeps":
                    assert way is not Way.KEEP_ALL
                    way = Way.KEEP_ALL
                case "waive":
                    assert way is Way.KEEP_ALL
                    acted_on = True
                    waived.add(entry.order)
                case "refund_order":
                    acted_on = acted_on or (entry.order != ITEM and way is not None)
        assert way is self.machine.case.way
        assert waived == set(self.machine.case.waived_orders)
        assert ITEM not in waived

    @invariant()
    def ax_7_a_waived_order_is_confirmed_once_printed_picked_up_and_delivered(self) -> None:
        for order in self.machine.case.orders:
            rules = [entry.rule for entry in self.of(order)]
            if "confirm_receipt" in rules:
                steps = ["print_waybill", "pick_up", "deliver", "confirm_receipt"]
                assert rules[-4:] == steps
                assert ("authenticate" if order == ITEM else "waive") in rules

    @invariant()
    def ax_7_ax_9_it_is_closed_once_every_order_has_ended_and_settled_with_loss_where_one_was_lost(self) -> None:
        ends = [self.where(order) for order in self.machine.case.orders]
        (own,) = self.machine.chart_view().states
        ended = all(end in ENDS for end in ends)
        assert (
            self.machine.closed
            == self.machine.chart_view().closed
            == ended
            == (own in ("settled", "settled_with_loss"))
        )
        assert (own == "settled_with_loss") == (ended and "refunded" in ends)
        if ended:
            assert (self.machine.deadlines(), decisions.allowed(self.machine, self.now)) == ([], [])
            assert (self.machine.state.expiries, self.machine.states()) == ([], [own])

    @invariant()
    def ax_8_ax_9_each_is_booked_once(self) -> None:
        booked = [(entry.clause, entry.order) for entry in self.machine.state.ledger]
        assert len(set(booked)) == len(booked)
        lost = {order for order in self.machine.case.orders if self.where(order) == "refunded"}
        assert {order for clause, order in booked if clause == "AX-9"} == lost
        assert {entry.amount for entry in self.machine.state.ledger if entry.clause == "AX-9"} <= {None}
        paying = {order for clause, order in booked if clause == "AX-8"}
        assert {(order, self.where(order)) for order in paying} <= {
            (order, "confirmed") for order in self.machine.case.waived_orders
        }

    @invariant()
    def ax_11_what_fails_or_is_refunded_at_the_provider_goes_back_to_the_merchant_and_is_no_loss(self) -> None:
        rules = [entry.rule for entry in self.of(ITEM)]
        if self.where(ITEM) in ("failed", "returned"):
            after_sign_in = rules[rules.index("sign_in") :]
            assert not {"pick_up", "deliver", "confirm_receipt", "auto_refund"} & set(after_sign_in)
            assert "refund_order" in rules or "authenticate" in rules
            assert (ITEM, "AX-9") not in {(entry.order, entry.clause) for entry in self.machine.state.ledger}
        assert (self.where(ITEM) == "returned") == ("return_item" in rules)
        for entry in self.machine.state.timeline:
            if entry.rule == "authenticate":
                passed = (entry.form or {})["verdict"] == "pass"
                assert entry.reached[-1] == f"{ITEM}.{'authenticated' if passed else 'failed'}"

    @invariant()
    def ax_12_a_refunded_order_ends_where_its_goods_are(self) -> None:
        for order in self.machine.case.orders:
            rules: list[str] = []
            for entry in self.of(order):
                if entry.rule == "refund_order":
                    shipped, signed_in = "pick_up" in rules, "sign_in" in rules
                    ends = "refunded" if shipped else "failed" if signed_in else "cancelled"
                    assert entry.reached[-1] == f"{order}.{ends if order == ITEM else 'cancelled'}"
                rules.append(entry.rule)
            assert rules.count("refund_order") <= 1

    @invariant()
    def ax_10_silence_is_escalated_once(self) -> None:
        assert [entry.rule for entry in self.of(None)].count("escalate_choice") <= 1

    @invariant()
    def time_never_goes_backwards_on_the_timeline_of_an_order(self) -> None:
        for order in (None, *self.machine.case.orders):
            instants = [OPENED, *(entry.at for entry in self.of(order)), self.now]
            assert instants == sorted(instants)

    @invariant()
    def every_deadline_lies_ahead_or_is_being_settled(self) -> None:
        settling = {expiry.order for expiry in self.machine.state.expiries}
        assert all(deadline.due > self.now or deadline.order in settling for deadline in self.machine.deadlines())

    @invariant()
    def every_chart_stands_in_one_place(self) -> None:
        for view in self.machine.chart_views():
            assert len(view.states) == 1
            assert all(OPENED <= entered <= self.now for entered in view.entered.values())


class SplitKept(Split):
    """An item of two or three orders that are all kept."""

    sizes = (2, 3)
    ways = (KEEP_ALL,)


TestSplit, TestSplitKept = Split.TestCase, SplitKept.TestCase
TestSplit.settings = TestSplitKept.settings = settings(
    max_examples=35,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
)
