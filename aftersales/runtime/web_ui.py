"""The views that operators save in the Web UI: queries on the search attributes, and links to them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from statecharts.rules import Party
from workflows.engine import search_attributes as sa
from workflows.registry import PROCESSES

OPEN = "ExecutionStatus = 'Running'"


def saved_views(shops: Iterable[str]) -> Mapping[str, str]:
    """Each view's query by its name; ``shops``: those that get a view of their own."""
    return {
        "需人工处理": f"{OPEN} AND {sa.NEEDS_OPERATOR.name} = true",
        **{f"等待{each.label}": _where(sa.WAITS_FOR.name, each.label) for each in Party if each is not Party.CLOCK},
        **{each.label: _where("WorkflowType", each.name) for each in PROCESSES.values()},
        **{f"店铺 {shop}": _where(sa.SHOP.name, shop) for shop in shops},
    }


def due_within(length: timedelta, now: datetime) -> str:
    """The query for cases with a deadline before an instant: the server knows no "in 12 hours", so it is asked anew."""
    return f"{OPEN} AND {sa.DEADLINE.name} <= '{(now + length).isoformat(timespec='seconds')}'"


def _where(name: str, value: str) -> str:
    quoted = value.replace("'", "''")
    return f"{OPEN} AND {name} = '{quoted}'"


def list_address(ui_address: str, namespace: str) -> str:
    """Where the Web UI lists cases."""
    return f"{ui_address.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows"


def link(listed_at: str, query: str, name: str | None = None) -> str:
    """A link to what a query finds; with a name the Web UI saves it as a view."""
    given = {"query": query, **({"savedQuery": name} if name else {})}
    return f"{listed_at}?{urlencode(given, quote_via=quote)}"
