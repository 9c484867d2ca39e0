"""``aftersales migrate``: the ledger's tables, before anything uses them."""

from aftersales.cli.exit_status import run
from aftersales.cli.output import say


def migrate_command() -> None:
    """Create the ledger's tables, or bring those of an older release up to this one.

    Whatever uses the ledger first does this by itself; done before, only this command needs a database user who may
    change tables.
    """
    import asyncio

    from aftersales.ledger.configured import configured_ledger
    from aftersales.runtime.settings import load_settings

    async def work() -> None:
        with configured_ledger(load_settings()) as ledger:
            await asyncio.to_thread(ledger.prepare)
            say(f"账本已就绪 / the ledger is ready: {ledger.name}")

    run(work())
