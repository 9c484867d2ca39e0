"""Connections to PostgreSQL that end every wait, also for a server that no longer says anything."""

import time
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen

_Result = TypeVar("_Result")

CONNECT_SECONDS: Final = 10
STATEMENT_SECONDS: Final = 10
LOCK_SECONDS: Final = 8
ANSWER_SECONDS: Final = 15
"""The server itself ends a statement before that: one that does not is stopped, or out of reach."""
_POLL_SECONDS: Final = 0.1
_TIMEOUTS: Final = {
    "statement_timeout": STATEMENT_SECONDS,
    "lock_timeout": LOCK_SECONDS,
    "idle_in_transaction_session_timeout": ANSWER_SECONDS,
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes too long; the network alone might never say so."""

    def wait(self, gen: PQGen[_Result], interval: float = _POLL_SECONDS, timeout: float | None = None) -> _Result:
        """Wait for an answer, for a limited time."""
        limit = ANSWER_SECONDS if timeout is None else timeout
        until = time.monotonic() + limit
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if time.monotonic() < until:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {limit:g} s") from None


def connect(*arguments: Any, **options: Any) -> BoundedConnection:
    """Open a connection whose statements the server ends in time, too."""
    connection = BoundedConnection.connect(*arguments, **{"connect_timeout": CONNECT_SECONDS} | options)
    # Not by the start-up parameter `options`: pools in front of the server refuse it.
    for name, seconds in _TIMEOUTS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, f"{seconds}s"))
    connection.commit()
    return connection
