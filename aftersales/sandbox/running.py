"""The sandbox that `up` runs beside the worker when no credentials are given."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from aftersales.runtime.data_folder import make_private_folder
from aftersales.runtime.secret_files import write_secret_file
from aftersales.runtime.settings import Settings
from cases.messages import Opening
from workflows.engine.process import Process

if TYPE_CHECKING:
    from aftersales.sandbox.douyin.backend import Sandbox

FOLDER = "sandbox"
"""The folder, inside the data folder, of its records, secrets and control token."""
CONTROL_KEY = "control_token"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that is being served; ``ended`` is the task that serves it."""

    sandbox: "Sandbox"
    secrets_file: Path
    ended: asyncio.Task[None]

    def opens_by_message(self, process: Process, opening: Opening) -> bool:
        """Return whether a message of a platform opens the case, once it is announced."""
        from aftersales.sandbox.douyin.applications import opens_by_message  # noqa: PLC0415

        return opens_by_message(process, opening)

    def announce(self, cases: Iterable[tuple[Process, Opening]]) -> None:
        """Enter the cases that a platform here has a record of; its messages then open them."""
        from aftersales.sandbox.douyin.applications import announce  # noqa: PLC0415

        announce(self.sandbox, cases)


@asynccontextmanager
async def running_sandbox(settings: Settings, shops: Iterable[str]) -> AsyncIterator[RunningSandbox]:
    """Serve a sandbox that knows the shops, keeps its records in the data folder and pushes to the gateway.

    Raises CaseError, naming the setting, if it cannot start.
    """
    from aftersales.platforms.credentials import read_secrets  # noqa: PLC0415
    from aftersales.runtime.http.http_server import listen, serving  # noqa: PLC0415 - the other commands start faster without it
    from aftersales.sandbox.server import make_sandbox  # noqa: PLC0415

    folder = settings.data_dir / FOLDER
    make_private_folder(folder)
    credentials = _credentials(folder / "secrets.yaml", f"http://{HOST}:{settings.sandbox_port}", shops)
    token = _kept(folder / CONTROL_KEY, secrets.token_urlsafe(24))
    gateway = f"http://{settings.gateway_host}:{settings.gateway_port}/douyin"
    app = make_sandbox(read_secrets(credentials), gateway=gateway, state=folder / "records.json", control_token=token)
    with listen(HOST, settings.sandbox_port, "AFTERSALES_SANDBOX") as listener:
        async with serving(app, listener) as ended:
            yield RunningSandbox(app.state.sandbox, credentials, ended)


def shops_of(cases: Iterable[tuple[Process, Opening]]) -> set[str]:
    """Return the shops of the cases."""
    return {process.open_case(opening).facts.shop for process, opening in cases}


def _credentials(path: Path, address: str, shops: Iterable[str]) -> Path:
    """Write credentials for the sandbox, keeping those that exist; shops that are new are added."""
    stored = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    app = {"app_key": secrets.token_hex(8), "app_secret": secrets.token_urlsafe(24)}
    blocks: dict[str, Any] = {}
    for platform in ("douyin", "jd"):
        before = stored.get(platform, {})
        apps = before.get("apps") or [app]
        by_id = {shop["shop_id"]: shop for shop in before.get("shops", ())}
        for shop_id in sorted(set(shops) - set(by_id)):
            # Only Douyin issues tokens through its interface; others are configured.
            token = {} if platform == "douyin" else {"access_token": secrets.token_urlsafe(24)}
            by_id[shop_id] = {"shop_id": shop_id, "app_key": apps[0]["app_key"], **token}
        blocks[platform] = {"address": f"{address}/{platform}", "apps": apps, "shops": list(by_id.values())}
    blocks["gateway"] = stored.get("gateway") or {"status_token": secrets.token_urlsafe(24)}
    write_secret_file(path, yaml.safe_dump(blocks, sort_keys=False))
    return path


def _kept(path: Path, new: str) -> str:
    if not path.exists():
        write_secret_file(path, new)
    return path.read_text(encoding="utf-8")
