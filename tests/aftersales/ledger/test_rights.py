"""After ``aftersales migrate``, whoever works with the ledger in PostgreSQL needs no right to change its tables."""

import uuid

import pytest
from sqlalchemy import make_url

from aftersales.ledger.store import SqlLedger

RIGHTS = "SELECT, INSERT, UPDATE, DELETE"


@pytest.fixture
def lesser(postgresql: str) -> str:
    """The address of a ledger that its owner has migrated, for a user who may read and write rows alone."""
    psycopg = pytest.importorskip("psycopg")
    with SqlLedger(postgresql) as owned:
        owned.prepare()
    url, user = make_url(postgresql), f"u{uuid.uuid4().hex}"
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN")
        connection.execute(f"GRANT {RIGHTS} ON ALL TABLES IN SCHEMA public TO {user}")
        connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}")
    return url.set(username=user, password=None).render_as_string(hide_password=False)


def test_a_user_without_rights_on_tables_reads_and_writes(lesser: str) -> None:
    with SqlLedger(lesser) as ledger:
        ledger.prepare()
        assert ledger.unended() == []
        ledger.forget("jd_shipment/1")
