"""The connection to Temporal, configured by its standard environment variables and ``temporal.toml`` profiles.

Every client of ours is made here, so that all encrypt if there is a file of keys (``AFTERSALES_KEYS_FILE``), and all
trace if that is asked for (``AFTERSALES_TRACING``).
"""

from typing import Any

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from aftersales.runtime.client.sender_header import with_sender
from aftersales.runtime.encryption.payload_encryption import configured_converter
from aftersales.runtime.settings import load_settings
from aftersales.runtime.telemetry.logs import logging_runtime
from aftersales.runtime.telemetry.tracing import start_tracing, tracing_interceptors
from cases.errors import CaseError
from workflows.engine.sender import InputSender

_DEFAULT_ADDRESS = "localhost:7233"


class TemporalUnreachable(CaseError):
    """Temporal could not be reached, or refused the connection."""


async def connect(runtime: Runtime | None = None, sender: InputSender | None = None) -> Client:
    """Connect as a sender of inputs to cases; raises TemporalUnreachable with the address that was tried."""
    try:
        config: dict[str, Any] = {**ClientConfig.load_client_connect_config()}
    except (RuntimeError, ValueError, OSError) as bad:
        raise TemporalUnreachable(f"Temporal profile cannot be read: {' '.join(str(bad).split())}") from bad
    client = await _connect({"target_host": _DEFAULT_ADDRESS, **config}, runtime)
    return client if sender is None else with_sender(client, sender)


async def connect_to(address: str, runtime: Runtime | None = None) -> Client:
    """Connect to a server of our own, ignoring profiles; raises TemporalUnreachable."""
    return await _connect({"target_host": address}, runtime)


async def _connect(config: dict[str, Any], runtime: Runtime | None) -> Client:
    runtime, converter = runtime or logging_runtime(), configured_converter()
    start_tracing(wanted=load_settings().tracing)
    config = {**config, "data_converter": converter, "interceptors": tracing_interceptors(), "runtime": runtime}
    try:
        return await Client.connect(**config)
    except (RuntimeError, ValueError) as bad:
        why = "" if "tcp connect error" in str(bad) else f" ({str(bad).splitlines()[0][:160]})"
        raise TemporalUnreachable(
            f"no Temporal server answers at {config['target_host']}{why}: "
            "start one with `aftersales up`, or set TEMPORAL_ADDRESS or TEMPORAL_PROFILE"
        ) from bad
