"""Time-skipping servers, which are the real one."""

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.temporal.embedded_server import temporal_binary
from aftersales.simulation.virtual_time import SERVER_FLAGS
from workflows.engine.search_attributes import KEYS

FORGET_AT_ONCE = [
    flag
    for queue in ("transfer", "visibility")
    for flag in ("--dynamic-config-value", f'history.{queue}ProcessorUpdateAckInterval="200ms"')
]
"""A workflow is deleted once its queues have noted that it has closed, which they do every half minute otherwise."""


async def start_server(*flags: str) -> WorkflowEnvironment:
    """Start an in-memory server with extra flags; the caller shuts it down."""
    return await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=pydantic_data_converter,
        search_attributes=KEYS,
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=[*SERVER_FLAGS, *FORGET_AT_ONCE, *flags],
    )
