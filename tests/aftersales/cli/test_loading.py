"""What a command does not need, it does not wait for."""

import subprocess
import sys

PROGRAM = (
    "import sys, aftersales.cli.main, worker; "
    "print([name for name in ('sqlalchemy', 'alembic', 'psycopg', 'openpyxl') if name in sys.modules])"
)


def test_no_command_loads_a_database_before_a_ledger_is_opened_nor_what_reads_workbooks() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
