"""One trace leads from a platform's push to its case and to the calls that the case makes of the platform."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from aftersales.runtime.telemetry.tracing import start_tracing, stop_tracing, tracing_interceptors
from tests.support.platforms.market import REFUSAL, Market, market_at_work
from tests.support.programs.otlp_receiver import OtlpReceiver, receiving
from tests.support.temporal.servers import start_server

MARKER = "朝阳区-张三-13800000000"


@pytest_asyncio.fixture
async def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Market, OtlpReceiver]]:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
        start_tracing(wanted=True)
        environment = await start_server()  # the after-sales of every sandbox begin with the same number
        try:
            async with market_at_work(environment, tmp_path, "traced", tracing_interceptors()) as market:
                yield market, receiver
        finally:
            stop_tracing()
            await environment.shutdown()


async def test_one_trace_leads_from_a_push_to_its_case_and_to_the_calls_of_the_platform(
    traced: tuple[Market, OtlpReceiver],
) -> None:
    market, receiver = traced
    reship = await market.opens("never_received")
    reship.handle = market.client.get_workflow_handle(reship.id)  # which traces
    await reship.act("refuse", {**REFUSAL, "reason": MARKER})
    await reship.reached("arbitration")
    reship.happens("rule-reship")
    await reship.reached("awaiting_shipment")
    await reship.pass_time("48h1m")
    await reship.until_closed()
    stop_tracing()

    push, *_ = pushes = receiver.named("push douyin")
    opened = ["deliver douyin", "push douyin"]
    case = [f"StartWorkflow:{reship.id.partition('/')[0]}", *opened]
    calls = [receiver.above(call) for call in receiver.named("POST douyin")]
    asking, deciding = (
        [f"{does}Activity:douyin_reship.{what}" for does in ("Run", "Start")]
        for what in ("resolve_expiry", "refuse_on_platform")
    )

    assert opened in calls  # the record is read for the facts
    assert [*asking, *case] in calls  # a clock of the case asks for the platform's decision
    assert [*deciding, "StartWorkflowUpdate:refuse"] in calls  # a local call within the update
    of_the_case = [span for span in receiver.spans if receiver.above(span)[-3:] == case]
    assert {span.trace for span in of_the_case} == {push.trace}
    (handled,) = receiver.named("HandleUpdate:refuse")
    (decision,) = receiver.named("StartWorkflowUpdate:refuse")
    assert (handled.trace, handled.links) == (push.trace, [(decision.trace, decision.span)])
    signalled = {(span.trace, span.span) for span in receiver.named("SignalWorkflow:report")}
    assert {link for span in receiver.named("HandleSignal:report") for link in span.links} == signalled
    assert len({span.trace for span in pushes}) == len(pushes)
    assert [body for body in receiver.raw if MARKER.encode() in body] == []
