"""Saved views of the Web UI: queries on search attributes, and links to them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from aftersales.runtime.client.case_search import OPEN, quoted
from statecharts.rules import Party
from workflows.engine import search_attributes as sa
from workflows.registry import PROCESSES


def saved_views(shops: Iterable[str]) -> Mapping[str, str]:
    """Return the query of every view by name; ``shops`` get a view each."""
    return {
        "需人工处理": f"{OPEN} AND {sa.NEEDS_OPERATOR.name} = true",
        **{f"等待{party.label}": _where(sa.WAITS_FOR.name, party.label) for party in Party if party is not Party.CLOCK},
        **{process.label: _where("WorkflowType", process.name) for process in PROCESSES.values()},
        **{f"店铺 {shop}": _where(sa.SHOP.name, shop) for shop in shops},
    }


def due_within(length: timedelta, now: datetime) -> str:
    """Return the query for cases due within a time from now; the server has no relative times."""
    return f"{OPEN} AND {sa.DEADLINE.name} <= '{(now + length).isoformat(timespec='seconds')}'"


def _where(name: str, value: str) -> str:
    return f"{OPEN} AND {name} = {quoted(value)}"


def list_address(ui_address: str, namespace: str) -> str:
    """Return the address of the Web UI's list of cases."""
    return f"{ui_address.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows"


def case_address(listed_at: str, case_id: str) -> str:
    """Return the address of a case."""
    return f"{listed_at}/{quote(case_id, safe='')}"


def link(listed_at: str, query: str, name: str | None = None) -> str:
    """Return a link to a query's results; with a name the Web UI saves it as a view."""
    parameters = {"query": query, **({"savedQuery": name} if name else {})}
    return f"{listed_at}?{urlencode(parameters, quote_via=quote)}"
