"""Which keys are still needed: by the histories and the schedules that a namespace keeps."""

from collections import Counter
from dataclasses import dataclass, field

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.service import RPCError

from aftersales.runtime.client.known_cases import is_missing
from aftersales.runtime.encryption.payload_encryption import KEY_ID, is_encrypted
from workflows.replay.decoding import coded_parts


@dataclass
class KeyUse:
    """How many workflow runs and schedules hold data of each key; ``clear`` counts runs with data in the clear."""

    runs: Counter[str] = field(default_factory=Counter)
    schedules: Counter[str] = field(default_factory=Counter)
    clear: int = 0
    looked_at: int = 0


async def key_use(client: Client) -> KeyUse:
    """Read every history and schedule of the client's namespace; raises RPCError."""
    use = KeyUse()
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        found: set[str] = set()
        in_the_clear = False
        try:
            async for event in handle.fetch_history_events():
                keys, clear = _keys(event)
                found |= keys
                in_the_clear |= clear
        except RPCError as gone:
            if not is_missing(gone):  # its retention has ended meanwhile
                raise
            continue
        use.looked_at += 1
        use.runs.update(found)
        use.clear += in_the_clear
    async for listed in await client.list_schedules():
        described = await client.get_schedule_handle(listed.id).describe()
        use.schedules.update(_keys(described.raw_description)[0])
    return use


def _keys(message: Message) -> tuple[set[str], bool]:
    """Return the keys of all payloads in a message, and whether it has payloads in the clear."""
    payloads = [part for part in coded_parts(message) if isinstance(part, Payload)]
    named = {
        payload.metadata.get(KEY_ID, b"").decode(errors="replace") for payload in payloads if is_encrypted(payload)
    }
    return named, not all(is_encrypted(payload) for payload in payloads)
