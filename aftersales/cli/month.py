"""A month's figures from the ledger: as tables, JSON, CSV or a page."""

from datetime import UTC, datetime
from pathlib import Path

from aftersales.cli.known_ledger import known_ledger
from aftersales.cli.month_page import page
from aftersales.cli.month_tables import NOTHING, as_csv, as_json, print_shop
from aftersales.cli.output import print_json, say
from aftersales.ledger.month_figures import LOOK_AHEAD, LOOK_BACK, Month, month_of, shop_months
from aftersales.runtime.settings import load_settings
from cases.errors import BadForm
from cases.ledger import Booked, CaseOutcome
from cases.shanghai import SHANGHAI


def tell_month(
    written: str | None, shop: str | None, csv: Path | None, html: Path | None, *, json_only: bool = False
) -> None:
    """Tell a month's figures, those of the current one where it is not given; raises BadForm."""
    asked = month_of(written or f"{datetime.now(UTC).astimezone(SHANGHAI):%Y-%m}")
    shops = shop_months(asked, *_read(asked, shop))
    for path, text in ((csv, as_csv), (html, page)):
        if path is not None:
            _write(path, text(asked, shops))
    if json_only:
        print_json(as_json(asked, shops))
        return
    for each in shops:
        print_shop(asked, each)
    if not shops:
        say(f"{asked}: {NOTHING}")
    for path in (csv, html):
        if path is not None:
            say(f"{path}: 已写入 / written")


def _read(month: Month, shop: str | None) -> tuple[list[Booked], list[CaseOutcome]]:
    with known_ledger(load_settings()) as ledger:
        if ledger is None:
            return [], []
        entries = ledger.entries(month.first - LOOK_BACK, month.last + LOOK_AHEAD, shop)
        return entries, ledger.outcomes(month.first, month.last, shop)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as bad:
        raise BadForm(f"{path}: cannot be written: {bad.strerror}") from bad
