"""The commands that run until Ctrl-C: up, worker, gateway, codec."""

from pathlib import Path
from typing import Annotated

import typer

from aftersales.cli.exit_status import BAD_INPUT, run
from aftersales.cli.output import complain


def up_command(
    samples: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Open the case files of this folder once the worker runs.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the Temporal server (AFTERSALES_PORT).")] = None,
    ui_port: Annotated[int | None, typer.Option(help="Port of the Web UI (AFTERSALES_UI_PORT).")] = None,
) -> None:
    """Run everything on this machine until Ctrl-C. The next start goes on with the same cases."""
    from aftersales.cli.trials import refuse_without_sandbox

    async def work() -> None:
        refuse_without_sandbox()
        from aftersales.cli.running.everything import run_everything

        await run_everything(samples, port, ui_port)

    run(work())


def worker_command() -> None:
    """Run a worker against the configured Temporal server until SIGTERM or Ctrl-C, like `python worker.py`."""
    from aftersales.authoring.process_check import worker_faults
    from aftersales.bootstrap import run_worker
    from aftersales.runtime.settings import load_settings
    from aftersales.runtime.telemetry.logs import configure_logs

    async def work() -> None:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        await run_worker(settings)

    if faults := worker_faults():
        for fault in faults:
            complain(fault)
        raise typer.Exit(BAD_INPUT)
    run(work())


def gateway_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (AFTERSALES_GATEWAY_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (AFTERSALES_GATEWAY_PORT).")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Make failed messages due again, and exit.")
    ] = False,
) -> None:
    """Receive the marketplaces' messages until Ctrl-C: store each before answering it, then dispatch it to its case."""
    from aftersales.cli.running.running_gateway import retry_failed_messages, serve_gateway

    run(retry_failed_messages() if retry_failed else serve_gateway(host, port))


def codec_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (AFTERSALES_CODEC_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (AFTERSALES_CODEC_PORT).")] = None,
    ui: Annotated[str | None, typer.Option(help="Address of the Web UI (AFTERSALES_UI_ADDRESS).")] = None,
) -> None:
    """Decrypt for the Web UI and the `temporal` command, for those with a token, until Ctrl-C."""
    from aftersales.cli.running.running_codec import serve_codec

    run(serve_codec(host, port, ui))
