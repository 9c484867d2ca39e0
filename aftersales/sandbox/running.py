"""The sandbox of the platforms, as ``up`` runs it beside the worker where no credentials are given."""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from aftersales.runtime.settings import Settings
from aftersales.sandbox.control_actions import reason_text
from cases.messages import Opening
from workflows.engine.process import Process

if TYPE_CHECKING:
    from aftersales.sandbox.app import Sandbox

FOLDER = "sandbox"
"""Where in the data folder its records, secrets and control token lie."""
CONTROL_KEY = "control_token"
RESHIP = "douyin_reship"
"""The process whose cases the sandbox's buyers open."""
OWNER_ONLY = 0o600
HOST = "127.0.0.1"


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox at work: what drives it directly, the secrets that let us in, and the task that serves it."""

    sandbox: "Sandbox"
    secrets_file: Path
    ended: asyncio.Task[None]


@asynccontextmanager
async def running_sandbox(settings: Settings, shops: Iterable[str]) -> AsyncIterator[RunningSandbox]:
    """A sandbox that knows the shops, keeps its records in the data folder, and pushes to the gateway.

    Raises CaseError, naming the setting, where it cannot begin.
    """
    from aftersales.platforms.credentials import read_secrets  # noqa: PLC0415
    from aftersales.runtime.http_server import listen, serving  # noqa: PLC0415 - the other commands start faster without it
    from aftersales.sandbox.app import make_sandbox  # noqa: PLC0415

    folder = settings.data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    credentials = _credentials(folder / "secrets.yaml", f"http://{HOST}:{settings.sandbox_port}", shops)
    token = _kept(folder / CONTROL_KEY, secrets.token_urlsafe(24))
    gateway = f"http://{settings.gateway_host}:{settings.gateway_port}/douyin"
    app = make_sandbox(read_secrets(credentials), gateway=gateway, state=folder / "records.json", control_token=token)
    with listen(HOST, settings.sandbox_port, "AFTERSALES_SANDBOX") as listener:
        async with serving(app, listener) as ended:
            yield RunningSandbox(app.state.sandbox, credentials, ended)


def shops_of(cases: Iterable[tuple[Process, Opening]]) -> set[str]:
    """The shops whose cases they are."""
    return {process.open_case(opening).facts.shop for process, opening in cases}


def comes_by_message(process: Process, opening: Opening) -> bool:
    """Whether the platform's messages open the case: they know nothing of figures that its file sets."""
    shop = process.open_case(opening).facts.shop
    return _knows_sandbox(process, opening) and _is_number(shop) and not opening.policy


def announce(sandbox: "Sandbox", cases: Iterable[tuple[Process, Opening]]) -> None:
    """Let buyers apply for the reships among the cases, where they have not yet."""
    for process, opening in cases:
        facts = process.open_case(opening).facts
        if _knows_sandbox(process, opening) and sandbox.record(facts.own_id) is None:
            sandbox.apply(
                facts.shop,
                reason_text(facts.reason),
                int(facts.order_amount * 100),
                remark=facts.description,
                after_sale_id=facts.own_id,
                order_id=facts.order,
                applied_at=int(facts.applied_at.timestamp()),
            )


def _knows_sandbox(process: Process, opening: Opening) -> bool:
    """Whether the sandbox can have the case's record: the platform's own ids are numbers."""
    facts = process.open_case(opening).facts
    return process.name == RESHIP and _is_number(facts.own_id) and _is_number(facts.order)


def _is_number(own_id: str) -> bool:
    return re.fullmatch("[1-9][0-9]{0,18}", own_id) is not None


def _credentials(path: Path, address: str, shops: Iterable[str]) -> Path:
    """Secrets for the sandbox, made once; shops that are new are added."""
    known = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    app = {"app_key": secrets.token_hex(8), "app_secret": secrets.token_urlsafe(24)}
    blocks = {}
    for platform, place in (("douyin", "douyin"), ("jd", "jd")):
        before = known.get(platform, {})
        apps = before.get("apps") or [app]
        given = {each["shop_id"]: each for each in before.get("shops", ())}
        for shop in sorted(set(shops) - set(given)):
            token = {} if platform == "douyin" else {"access_token": secrets.token_urlsafe(24)}
            given[shop] = {"shop_id": shop, "app_key": apps[0]["app_key"], **token}
        blocks[platform] = {"address": f"{address}/{place}", "apps": apps, "shops": list(given.values())}
    _write(path, yaml.safe_dump(blocks, sort_keys=False))
    return path


def _kept(path: Path, new: str) -> str:
    if not path.exists():
        _write(path, new)
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
