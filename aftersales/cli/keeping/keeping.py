"""Backups of what a machine keeps, putting one back, and the cases that were lost in between."""

import asyncio
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from temporalio.client import Client

from aftersales.cli.exit_status import REFUSED
from aftersales.cli.output import complain, print_json, print_table, say
from aftersales.gateway.inbox import INBOX
from aftersales.ledger.configured import configured_ledger
from aftersales.ledger.database import parse_address
from aftersales.ledger.tables import SQLITE
from aftersales.notifications.notifier import LOG_FILE
from aftersales.runtime.client.known_cases import find_workflow
from aftersales.runtime.data_copies import CopiedPart, back_up, restore
from aftersales.runtime.settings import TOKENS, Settings, load_settings
from aftersales.runtime.temporal.connection import connect
from aftersales.runtime.temporal.schedules import look_again
from cases.ledger import OpenedCase
from cases.shanghai import shanghai
from workflows.reconcile import OVERLAP
from workflows.registry import REGISTERED

_LEDGER = "ledger.sqlite3"
_TEMPORAL = "temporal.db"
_MEGABYTE = 1024 * 1024


async def make_backup(folder: Path) -> None:
    """Make a backup, and say what is in it and what is not."""
    settings = load_settings()
    manifest = await asyncio.to_thread(back_up, _parts(settings), folder, version("aftersales"))
    sizes = [(name, f"{(folder / name).stat().st_size / _MEGABYTE:.1f} MB") for name in manifest.files]
    print_table(f"备份于 / backed up at {shanghai(manifest.at)}", ("文件", "大小"), sizes)
    if _ledger_file(settings) is None:
        say("账本在 PostgreSQL,未备份 / the ledger is in PostgreSQL and not in the backup: use pg_dump")
    if _TEMPORAL not in manifest.files:
        say("Temporal 未备份 / Temporal is not in the backup: use the tools of its database")
    say("未含密钥文件 / files of secrets, channels, shops and users are not in the backup")


async def put_back(folder: Path) -> None:
    """Put a backup back, and say what to do next."""
    settings = load_settings()
    ledger = _ledger_file(settings)
    elsewhere = {TOKENS: settings.tokens_folder} | ({} if ledger is None else {_LEDGER: ledger})
    manifest, kept = await asyncio.to_thread(restore, folder, settings.data_dir, elsewhere)
    say(f"{settings.data_dir}: 已恢复到 / restored as of {shanghai(manifest.at)}, {len(manifest.files)} files")
    for file in kept:
        say(f"{file}: 保留现有文件 / is kept as it is")
    say("之后发生的事已丢失 / what happened since is lost; next: start everything, then `aftersales missing`")


async def list_missing(*, forget: bool, as_json: bool) -> int:
    """List the cases that Temporal does not have, and let them be opened again if that is asked."""
    settings, client = load_settings(), await connect()
    with configured_ledger(settings) as ledger:
        unended = await asyncio.to_thread(ledger.unended)
        missing = [case for case in unended if await find_workflow(client, case.case_id) is None]
        if forget:
            for case in missing:
                await asyncio.to_thread(ledger.forget, case.case_id)
            await _look_again(client, missing)
    if as_json:
        print_json([{"case_id": case.case_id, "opened_at": case.opened_at.isoformat()} for case in missing])
    else:
        _print_missing(missing, forgotten=forget)
    return REFUSED if missing and not forget else 0


async def _look_again(client: Client, missing: list[OpenedCase]) -> None:
    """Have the shops' records read again since the first of the cases: a look that took it for known has passed it."""
    since: dict[tuple[str, str], datetime] = {}
    for case in missing:
        if case.process not in REGISTERED:  # another release's
            continue
        shop = REGISTERED[case.process], case.shop_id
        since[shop] = min(since.get(shop, case.opened_at), case.opened_at)
    for (marketplace, shop_id), first in since.items():
        await look_again(client, marketplace, shop_id, first - OVERLAP)


def _print_missing(missing: list[OpenedCase], *, forgotten: bool) -> None:
    rows = [(case.case_id, shanghai(case.opened_at)) for case in missing]
    print_table("Temporal 中没有的案件 / cases that Temporal does not have", ("案件", "新建于"), rows)
    if missing and forgotten:
        say("可重新新建 / they may be opened again: by messages, by the reconciliation, or by `aftersales open`")
    elif missing:
        complain("`aftersales missing --forget` lets them be opened again")


def _parts(settings: Settings) -> list[CopiedPart]:
    """Return what is copied, in an order in which nothing falls between two copies.

    A message that is new again is given to its case again, which knows it; one that counts as delivered to a case that
    does not have it would be lost.  So the inbox is copied before the cases, and what cases have written after them.
    """
    data, ledger = settings.data_dir, _ledger_file(settings)
    return [
        CopiedPart(INBOX, data / INBOX, database=True),
        CopiedPart(_TEMPORAL, data / _TEMPORAL, database=True),
        *([] if ledger is None else [CopiedPart(_LEDGER, ledger, database=True)]),
        CopiedPart(LOG_FILE, data / LOG_FILE, database=True),
        CopiedPart("platform.jsonl", data / "platform.jsonl"),
        CopiedPart("desk.secret", data / "desk.secret"),
        CopiedPart(TOKENS, settings.tokens_folder, suffixes=(".json",)),
        CopiedPart("sandbox", data / "sandbox", suffixes=(".json", ".yaml", "")),
    ]


def _ledger_file(settings: Settings) -> Path | None:
    """Return the file of the ledger, None if it is in PostgreSQL."""
    url = parse_address(settings.ledger_address)
    return Path(str(url.database)) if url.drivername == SQLITE else None
