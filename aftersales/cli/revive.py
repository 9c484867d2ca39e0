"""``aftersales revive``: bring back a case whose workflow ended before the case did."""

import asyncio

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson, CaseId
from aftersales.cli.output import complain, print_json, say
from aftersales.ledger.configured import configured_ledger
from aftersales.runtime.connection import connect
from aftersales.runtime.revival import revive
from aftersales.runtime.schedules import look_again
from aftersales.runtime.settings import load_settings
from cases.errors import CaseError
from workflows.reconcile import OVERLAP
from workflows.registry import REGISTERED, process_of


def revive_command(case: CaseId, as_json: AsJson = False) -> None:
    """Revive a case that was terminated, failed, cancelled or timed out. Exit status 1: it runs, or has ended."""

    async def work() -> None:
        settings = load_settings()
        process = process_of(case.partition("/")[0])
        client = await connect()
        ended = await revive(client, case)
        try:
            with configured_ledger(settings) as ledger:
                await asyncio.to_thread(ledger.revived, case)
        except CaseError as away:
            complain(f"账本稍后更正 / the ledger is corrected by the next look for ended cases: {away}")
        # What its marketplace changed meanwhile was left out by the looks at its shop.
        await look_again(client, REGISTERED[process.name], ended.shop_id, ended.at - OVERLAP)
        if as_json:
            print_json({"case_id": case, "revived": True})
        else:
            say(f"{case}: 已恢复 / revived")

    run(work())
