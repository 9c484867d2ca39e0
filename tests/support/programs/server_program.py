"""A program that runs an embedded server, and says its process: DATABASE PORT UI_PORT HOW."""

import asyncio
import sys
from pathlib import Path

from aftersales.runtime.temporal.embedded_server import embedded_server


async def main(database: Path, port: str, ui_port: str, how: str) -> None:
    """Run until somebody kills us."""
    async with embedded_server(database, int(port), int(ui_port), tied=how) as server:
        sys.stdout.write(f"{server.process.pid}\n")
        sys.stdout.flush()
        await server.ended()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
