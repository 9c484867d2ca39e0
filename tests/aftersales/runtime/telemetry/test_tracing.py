"""Tracing: off unless it is asked for, no words of anybody's, and nothing of a case that another worker trips over."""

import asyncio
import json
import os
import re
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, Interceptor, OutboundInterceptor, SignalWorkflowInput
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.gateway.inbox import Inbox
from aftersales.platforms.inbound import CaseKey, InboundMessage
from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.encryption.payload_encryption import EncryptionCodec
from aftersales.runtime.http.http_client import Transport
from aftersales.runtime.settings import Settings
from aftersales.runtime.telemetry import tracing
from aftersales.runtime.telemetry.open_telemetry import ATTRIBUTES, TRACE_HEADER, Carriers
from aftersales.runtime.telemetry.spans import SpanSide, continued, span, traceparent
from aftersales.runtime.telemetry.tracing import start_tracing, stop_tracing, tracing_interceptors
from aftersales.runtime.temporal.connection import connect
from aftersales.simulation.virtual_time import time_moved_by_hand
from cases.editions import NEWEST
from cases.errors import BadForm, PlatformUnreachable
from tests.support.patience import PATIENCE_SECONDS
from tests.support.places import HISTORIES, PACKAGES, ROOT
from tests.support.platforms.serving import serving
from tests.support.programs.otlp_receiver import OtlpReceiver, receiving
from tests.support.programs.surroundings import without_ours
from tests.support.records.key_files import key_file
from tests.support.rules.stage import Scene, Stage
from tests.support.temporal.life import PROCESS, facts
from workflows.registry import case_workflows
from workflows.replay.replayer import RecordingRunner, recorded, replay
from workflows.worker_options import CaseRunner, OneArgument, for_cases, hiding_failures

MARKER = "朝阳区-张三-13800000000"
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
VARIABLES = ("ENDPOINT", "TRACES_ENDPOINT", "HEADERS", "PROTOCOL", "TRACES_PROTOCOL", "TIMEOUT", "COMPRESSION")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*(f"EXPORTER_OTLP_{name}" for name in VARIABLES), "SERVICE_NAME", "RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)
    yield
    stop_tracing()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    """Trace, and receive the spans once tracing stops."""
    with receiving() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.address)
        start_tracing(wanted=True)
        yield received
        stop_tracing()


def test_without_the_setting_nothing_is_traced_and_open_telemetry_is_not_even_imported() -> None:
    start_tracing(wanted=Settings().tracing)
    assert (tracing_interceptors(), traceparent()) == ([], None)
    with span("push", SpanSide.SERVER, {}) as notes, continued(None):
        notes.set_attribute("aftersales.shop", "1001")
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    importing = [path.name for path in sources if re.search(rb"(from|import) opentelemetry", path.read_bytes())]
    assert importing == ["open_telemetry.py"]


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.exporter.otlp.proto.http.trace_exporter"])
def test_a_missing_extra_is_one_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delitem(sys.modules, "aftersales.runtime.telemetry.open_telemetry")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(BadForm, match=r"AFTERSALES_TRACING.*pip install 'aftersales\[tracing\]'"):
        start_tracing(wanted=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
    ],
)
def test_a_standard_variable_that_cannot_be_followed_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadForm, match=value):
        start_tracing(wanted=True)
    assert tracing_interceptors() == []


async def test_every_client_traces_where_the_setting_says_so(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, receiver: OtlpReceiver
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", environment.client.service_client.config.target_host)
    monkeypatch.setenv("AFTERSALES_TRACING", "true")
    (one,) = (await connect()).config()["interceptors"]
    assert type(one) is type(tracing_interceptors()[0])


def test_a_service_is_called_as_the_standard_variables_say_and_else_by_our_name(
    monkeypatch: pytest.MonkeyPatch, receiver: OtlpReceiver
) -> None:
    for name in (None, "gateway"):
        if name:
            monkeypatch.setenv("OTEL_SERVICE_NAME", name)
        start_tracing(wanted=True)
        with span("one", SpanSide.INTERNAL, {}):
            pass
        stop_tracing()
    assert receiver.services() == {"aftersales", "gateway"}


def test_words_of_errors_and_attributes_that_nobody_approved_are_not_sent(receiver: OtlpReceiver) -> None:
    def failing() -> None:
        with span("deliver", SpanSide.INTERNAL, {"aftersales.shop": "1001", "buyer": MARKER, MARKER: 1}) as notes:
            notes.set_attribute("db.statement", MARKER)
            raise ValueError(MARKER)

    with pytest.raises(ValueError, match=MARKER):
        failing()
    stop_tracing()
    (sent,) = receiver.spans
    assert (sent.attributes, sent.failed) == ({"aftersales.shop": "1001"}, True)
    assert b"ValueError" in receiver.raw[0]
    assert MARKER.encode() not in receiver.raw[0]


async def test_a_call_tells_neither_its_path_nor_its_query_nor_its_body(receiver: OtlpReceiver) -> None:
    async def answer(request: Request) -> Response:
        return JSONResponse({"got": (await request.body()).decode()}, 500 if "fails" in request.url.path else 200)

    app = Starlette(routes=[Route(f"/{MARKER}{end}", answer, methods=["POST"]) for end in ("", "/fails")])
    async with serving(app) as address, Transport("douyin") as transport:
        await transport.post(f"{address}/{MARKER}", params={"token": MARKER}, content=MARKER, headers={"x": "secret"})
        with pytest.raises(PlatformUnreachable):
            await transport.post(f"{address}/{MARKER}/fails")
    stop_tracing()
    first, second = receiver.spans
    assert first.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
    }
    assert second.attributes["http.response.status_code"] == 500
    words = (MARKER.encode(), b"secret", httpx2.URL(f"/{MARKER}").raw_path)
    assert [word for word in words if word in receiver.raw[0]] == []


def test_a_collector_that_never_answers_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "LAST_SPANS_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start_tracing(wanted=True)
        with span("one", SpanSide.INTERNAL, {}):
            pass
        stop_tracing()
        silent.settimeout(PATIENCE_SECONDS)
        silent.accept()[0].close()  # it was tried


async def test_a_message_is_dispatched_in_the_trace_in_which_it_came_even_after_a_restart(
    tmp_path: Path, receiver: OtlpReceiver
) -> None:
    message = InboundMessage("douyin", "m1", "206", b"{}", case=CaseKey(PROCESS, "1001", "A1"))
    async with Inbox(tmp_path / "inbox.db") as inbox:
        with span("push", SpanSide.SERVER, {}):
            await inbox.store([message])
    async with Inbox(tmp_path / "inbox.db") as inbox:
        (row,) = await inbox.due(1)
        with continued(row.trace), span("deliver", SpanSide.INTERNAL, {}):
            pass
    stop_tracing()
    push, deliver = receiver.spans
    assert (deliver.trace, receiver.above(deliver)) == (push.trace, ["push"])


@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[]", b'"x"', b'{"traceparent": 5}', b'{"traceparent": ["x", 1]}', b"\xff"]
)
@pytest.mark.parametrize("encoding", [b"json/plain", b"binary/encrypted", b"binary/plain"])
def test_a_header_that_is_not_ours_is_no_trace(data: bytes, encoding: bytes) -> None:
    assert Carriers().from_payloads([Payload(metadata={"encoding": encoding}, data=data)]) == [{}]


@pytest.mark.parametrize("story", ["agreed_shipped_signed", "notices_put_off"])
async def test_a_worker_that_traces_issues_the_commands_of_recorded_histories(
    receiver: OtlpReceiver, story: str
) -> None:
    path = HISTORIES / f"{PROCESS}_{story}.json"

    async def issued(*traced: Any) -> dict[Any, Any]:
        runner = RecordingRunner(CaseRunner())
        await Replayer(
            workflows=case_workflows(),
            workflow_runner=runner,
            interceptors=[*traced, OneArgument()],
            data_converter=for_cases(),
        ).replay_workflow(recorded(path))
        return runner.issued

    untraced = await issued()
    assert untraced
    assert await issued(*tracing_interceptors()) == untraced
    stop_tracing()
    assert receiver.spans == []  # what has happened is not told again


class Garbage(Interceptor):
    """Puts anything into the header of a trace, as a client of somebody else may."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        class Outbound(OutboundInterceptor):
            async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
                input.headers = {**input.headers, TRACE_HEADER: Payload(metadata={"encoding": b"?"}, data=b"\xff")}
                await super().signal_workflow(input)

        return Outbound(next)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_case_goes_on_where_tracing_is_turned_on_off_and_on_again(
    environment: WorkflowEnvironment, stage: Stage, receiver: OtlpReceiver, tmp_path: Path, *, encrypted: bool
) -> None:
    converter: DataConverter = pydantic_data_converter
    if encrypted:
        converter = hiding_failures(converter, EncryptionCodec(KeyRing(key_file(tmp_path / "keys.yaml", "k1"))))
    own_id, queue = uuid.uuid4().hex[:12], f"tracing-{encrypted}"
    case_id = f"{PROCESS}/{own_id}"
    scene = stage.scenes[case_id] = Scene()

    @asynccontextmanager
    async def working(*interceptors: Interceptor) -> AsyncIterator[Client]:
        client = await Client.connect(
            environment.client.service_client.config.target_host, data_converter=converter, interceptors=interceptors
        )
        settings = Settings(task_queue=queue, graceful_shutdown_seconds=0.1)
        async with make_worker(client, settings, Dependencies(stage, stage, stage)):
            yield client

    async with working(*tracing_interceptors()) as client:
        opening = {"schema": 1, "edition": NEWEST, "policy": {}, "facts": facts(own_id, description=MARKER)}
        async with time_moved_by_hand(environment):
            await client.start_workflow(PROCESS, args=[opening], id=case_id, task_queue=queue)
        await client.get_workflow_handle(case_id).execute_update("agree", id="k1")
    async with working(Garbage()) as client:
        await client.get_workflow_handle(case_id).signal("report", {"message_id": MARKER, "rule": MARKER})
        await client.get_workflow_handle(case_id).execute_update("ship", SHIPMENT, id="k2")
    async with working(*tracing_interceptors()) as client:
        handle = client.get_workflow_handle(case_id)
        assert (await handle.query("view"))["state"] == ["in_transit"]
        history = await handle.fetch_history()
        await handle.terminate()
    await replay(history, converter)
    stop_tracing()

    (start,) = receiver.named(f"StartWorkflow:{PROCESS}")
    (run,) = receiver.named(f"RunActivity:{PROCESS}.agree_on_platform")
    assert scene.performed == ["agree_on_platform", "push_tracking_number"]
    assert receiver.above(run)[1:] == ["StartWorkflowUpdate:agree"]
    (query,) = receiver.named("HandleQuery:view")
    assert query.links == [(start.trace, start.span)]
    started = history.events[0].workflow_execution_started_event_attributes.header.fields
    assert list(started) == [TRACE_HEADER]
    (sent,) = json.loads(started[TRACE_HEADER].data).items()  # in the clear, also where payloads are encrypted
    assert (sent[0], sent[1].rpartition("-")[0]) == ("traceparent", f"00-{start.trace}-{start.span}")
    assert [body for body in receiver.raw if MARKER.encode() in body] == []
    assert {name for one in receiver.spans for name in one.attributes} <= ATTRIBUTES


async def test_a_command_sends_its_spans_before_it_ends(environment: WorkflowEnvironment) -> None:
    with receiving() as receiver:
        world = without_ours(dict(os.environ)) | {
            "TEMPORAL_ADDRESS": environment.client.service_client.config.target_host,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.address,
            "AFTERSALES_TRACING": "true",
        }
        command = ("-m", "aftersales.cli.main", "show", f"{PROCESS}/nobody-has-opened-this")
        shown = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=ROOT,
            env=world,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await shown.communicate()
        assert shown.returncode == 2, told
        assert [span.failed for span in receiver.spans if span.name.startswith("QueryWorkflow")] == [True]
