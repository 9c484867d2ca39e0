"""What ``aftersales up`` runs: embedded Temporal server, worker, gateway, sandbox and sample cases, in one command."""

import asyncio
import fcntl
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.authoring.process_check import refuse_faulty_processes
from aftersales.bootstrap import arrange, make_worker, open_dependencies
from aftersales.cli.output import say
from aftersales.cli.running.running_codec import codec_address, running_codec
from aftersales.cli.running.running_desk import running_desk
from aftersales.cli.running.running_gateway import running_gateway
from aftersales.importing.batch import case_id, open_cases
from aftersales.importing.case_files import read_cases
from aftersales.ledger import check_ledger
from aftersales.monitoring.monitor import Monitor
from aftersales.monitoring.status_server import monitored
from aftersales.runtime.data_folder import open_private, private_folder
from aftersales.runtime.encryption.payload_encryption import configured_keys
from aftersales.runtime.garbage_collection import garbage_searched_rarely
from aftersales.runtime.settings import Settings, load_settings
from aftersales.runtime.stopping import stop_asked
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.embedded_server import EmbeddedServer, check_ports, check_unused, embedded_server
from aftersales.runtime.temporal.web_ui import list_address
from aftersales.sandbox.running import RunningSandbox, running_sandbox, shops_of
from cases.errors import CaseError
from cases.messages import Opening
from workflows.engine.process import Process

_ARRIVAL_SECONDS = 10.0
"""How long the greeting waits for the sample cases to be opened."""
_QUERY_TIMEOUT = timedelta(seconds=5)


async def run_everything(samples: Path | None, port: int | None, ui_port: int | None) -> None:
    """Run everything on this machine until SIGTERM or Ctrl-C."""
    settings = load_settings(port=port, ui_port=ui_port)
    configure_logs("WARNING" if settings.log_level == "INFO" else settings.log_level, "console")
    refuse_faulty_processes()
    cases = read_cases(_case_files(samples) if samples else [], settings)
    stop = stop_asked()
    database = settings.data_dir / "temporal.db"
    with _alone(settings.data_dir):
        check_unused(database)  # before the ports, which a server that was left has taken
        check_ports(settings.port, settings.ui_port)
        check_ledger(settings.ledger_address)
        say(_platforms(settings))
        say("starting the Temporal server ...")
        codec = codec_address(settings) if _serves_codec(settings) else None
        async with (
            monitored(settings, "up") as monitor,
            embedded_server(database, settings.port, settings.ui_port, codec=codec, runtime=monitor.runtime) as server,
        ):
            await _work(server, settings, cases, stop, monitor)
    say("stopped")


def _serves_codec(settings: Settings) -> bool:
    """Return whether what Temporal stores is encrypted, and somebody may read it in the Web UI."""
    keys = configured_keys(settings)
    return keys is not None and bool(keys.readers)


def _platforms(settings: Settings) -> str:
    """Say, before anything else, whether decisions reach real shops."""
    if settings.secrets_file is None:
        return "platforms are pretended by the sandbox, nothing reaches a real shop / 平台为沙箱模拟,不会操作真实店铺"
    return f"real shops: the credentials of {settings.secrets_file} are used / 使用真实店铺凭据,操作将真实生效"


def _program() -> str:
    """Return the path that starts this program again from the current folder."""
    path = Path(sys.argv[0]).absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


def _case_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise CaseError(f"{folder}: no case files (*.yaml)")
    return files


async def _work(
    server: EmbeddedServer,
    settings: Settings,
    cases: list[tuple[Process, Opening]],
    stop: asyncio.Event,
    monitor: Monitor,
) -> None:
    ended = CaseError(f"the Temporal server ended by itself: see {settings.data_dir / 'temporal.log'}")
    try:
        async with AsyncExitStack() as running:
            started = await _start(running, server, settings, cases, monitor)
            monitor.started()
            _greet(settings, started)
            waiting = [asyncio.create_task(end) for end in (stop.wait(), server.ended())]
            await asyncio.wait((*waiting, *started.services), return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            if server.has_ended:
                raise ended
            if not stop.is_set():
                raise CaseError("the gateway, the desk, the codec server or the sandbox ended by itself")
            say("stopping ...")
    except (RuntimeError, asyncio.CancelledError) as failed:  # the worker may see first that its server is gone
        if not server.has_ended:
            raise
        raise ended from failed


@dataclass(frozen=True)
class _Started:
    """The desk's address, ids of the sample cases, commands to suggest, and the tasks that serve beside the worker."""

    desk: str
    samples: list[str]
    commands: list[str]
    services: list[asyncio.Task[None]]


async def _start(
    running: AsyncExitStack,
    server: EmbeddedServer,
    settings: Settings,
    cases: list[tuple[Process, Opening]],
    monitor: Monitor,
) -> _Started:
    """Start what runs beside the server."""

    async def connected() -> Client:
        return server.client

    if "ui_address" not in settings.model_fields_set:
        settings = settings.model_copy(update={"ui_address": f"http://127.0.0.1:{settings.ui_port}"})
    services: list[asyncio.Task[None]] = []
    sandbox: RunningSandbox | None = None
    if settings.secrets_file is None:
        sandbox = await running.enter_async_context(running_sandbox(settings, shops_of(cases)))
        settings = settings.model_copy(update={"secrets_file": sandbox.secrets_file})
        services.append(sandbox.ended)
    # Notices lead to the desk that is started below.
    desk_at = settings.desk_address or f"http://{settings.desk_host}:{settings.desk_port}"
    notifying = settings.model_copy(update={"desk_address": desk_at})
    dependencies = await running.enter_async_context(open_dependencies(notifying, server.client, monitor))
    worker = make_worker(server.client, settings, dependencies, measures=monitor.is_read)
    await running.enter_async_context(worker)
    monitor.watch_worker(server.client, worker)
    _, gateway = await running.enter_async_context(running_gateway(settings, connected, monitor))
    services.append(gateway)
    desk, served = await running.enter_async_context(running_desk(settings, server.client, monitor))
    services.append(served)
    if (keys := configured_keys(settings)) and keys.readers:
        _, decoding = await running.enter_async_context(running_codec(settings, keys, monitor))
        services.append(decoding)
    pushed = [case for case in cases if sandbox and sandbox.opens_by_message(*case)]
    # Those with a policy of their own come first: a message would open them without it.
    new = [case for case in cases if case not in pushed]
    await open_cases(server.client, settings.task_queue, dependencies.ledger, new)
    samples = [case_id(*case) for case in cases]
    if sandbox:
        sandbox.announce(cases)
        await _arrived(server.client, samples)
    await arrange(server.client, settings)
    await running.enter_async_context(garbage_searched_rarely(settings.max_cached_workflows))
    # A case with a record in the sandbox shows more.
    shown_first = sorted(samples, key=lambda sample: sample not in {case_id(*case) for case in pushed})
    return _Started(desk, samples, await _next_commands(server.client, shown_first), services)


async def _arrived(client: Client, cases: list[str]) -> None:
    """Wait, for a limited time, until the messages have opened the cases."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ARRIVAL_SECONDS):
            for case in cases:
                while not await _is_there(client, case):  # noqa: ASYNC110 - the gateway does not report what it opened
                    await asyncio.sleep(0.05)


async def _is_there(client: Client, case: str) -> bool:
    try:
        await client.get_workflow_handle(case).describe()
    except RPCError as missing:
        if missing.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def _next_commands(client: Client, samples: list[str]) -> list[str]:
    """Suggest commands for the first sample case that can be decided without a form, else for the first one."""
    for sample in samples:
        if rule := await _simple_decision(client, sample):
            return ["list", f"show {sample}", f"act {sample} {rule}"]
    return ["list", *(f"show {sample}" for sample in samples[:1])]


async def _simple_decision(client: Client, sample: str) -> str | None:
    """Return the first rule that is open in a case and takes neither a form nor an order."""
    try:
        view = await client.get_workflow_handle(sample).query("view", rpc_timeout=_QUERY_TIMEOUT)
    except (RPCError, WorkflowQueryFailedError):
        return None
    for action in view["actions"]:
        if not (action["record"] or action["order"] or action["form"].get("properties")):
            return str(action["rule"])
    return None


def _greet(settings: Settings, started: _Started) -> None:
    ui = list_address(f"http://127.0.0.1:{settings.ui_port}", "default")
    usual = settings.port == Settings.model_fields["port"].default
    other = "" if usual else f"TEMPORAL_ADDRESS=127.0.0.1:{settings.port} "
    say(f"desk / 工作台: {started.desk}")
    say(f"Web UI: {ui}")
    say(f"gateway: http://{settings.gateway_host}:{settings.gateway_port}/healthz")
    if _serves_codec(settings):
        say(f"codec server, log in there before opening the Web UI / 解密服务: {codec_address(settings)}")
    if started.samples:
        say(f"sample cases: {', '.join(started.samples)}")
        say("try next, in another terminal:")
        for command in started.commands:
            say(f"  {other}{_program()} {command}")
        if settings.secrets_file is None:
            values = {name: getattr(settings, name) for name in ("data_dir", "sandbox_port")}
            changed = [name for name, value in values.items() if value != Settings.model_fields[name].default]
            own = "".join(f"AFTERSALES_{name.upper()}={values[name]} " for name in changed)
            say(f"  {own}{_program()} sandbox")
    say("Ctrl-C stops everything; the next start goes on with the same cases")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the data folder against a second run."""
    private_folder(folder)
    with open_private(folder / "lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise CaseError(f"another run uses {folder}: stop it, or set AFTERSALES_DATA_DIR") from taken
        yield
