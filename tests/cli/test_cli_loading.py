"""What a command does not need, it does not wait for."""

import subprocess
import sys

PROGRAM = (
    "import sys, cli.main, worker; "
    "print([name for name in ('sqlalchemy', 'alembic', 'psycopg') if name in sys.modules])"
)


def test_no_command_loads_a_database_before_a_ledger_is_opened() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
