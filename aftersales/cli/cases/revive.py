"""``aftersales revive``: bring back a case whose workflow ended before the case did."""

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson, CaseId
from aftersales.cli.output import complain, print_json, say


def revive_command(case: CaseId, as_json: AsJson = False) -> None:
    """Revive a case that was terminated, failed, cancelled or timed out. Exit status 1: it runs, or has ended."""
    import asyncio

    from aftersales.cli.cases.case_numbers import case_of, names_process
    from aftersales.ledger.configured import configured_ledger
    from aftersales.runtime.client.revival import revive
    from aftersales.runtime.settings import load_settings
    from aftersales.runtime.temporal.connection import connect
    from aftersales.runtime.temporal.schedules import look_again
    from cases.errors import CaseError
    from workflows.reconcile import OVERLAP
    from workflows.registry import REGISTERED

    async def work() -> None:
        settings = load_settings()
        names_process(case)
        client = await connect()
        case_id = await case_of(client, case)
        ended = await revive(client, case_id)
        try:
            with configured_ledger(settings) as ledger:
                await asyncio.to_thread(ledger.revived, case_id)
        except CaseError as away:
            complain(f"账本稍后更正 / the ledger is corrected by the next look for ended cases: {away}")
        # What its marketplace changed meanwhile was left out by the looks at its shop.
        await look_again(client, REGISTERED[case_id.partition("/")[0]], ended.shop_id, ended.at - OVERLAP)
        if as_json:
            print_json({"case_id": case_id, "revived": True})
        else:
            say(f"{case_id}: 已恢复 / revived")

    run(work())
