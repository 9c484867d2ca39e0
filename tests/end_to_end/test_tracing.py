import pytest
from tests.support.otlp_receiver import receiving
from tests.support.platforms.market import market_at_work
from aftersales.runtime.tracing import start_tracing, stop_tracing, tracing_interceptors
async def test_x(environment, tmp_path, monkeypatch):
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
        start_tracing(wanted=True)
        async with market_at_work(environment, tmp_path, "traced", tracing_interceptors()) as market:
            reship = await market.opens("never_received")
            print(await reship.view())
            await market.client.get_workflow_handle(reship.id).execute_update("agree")
            await reship.reached("awaiting_shipment")
            await reship.pass_time("48h")
            await reship.reached("overdue") if False else None
        stop_tracing()
        for s in receiver.spans:
            print(s.trace[:6], s.name, "<", " < ".join(receiver.above(s)), s.attributes, s.links, s.failed)
        print(receiver.services())
