"""The sandbox of the platforms: run beside the worker where no credentials are given, and played with by a command."""

import asyncio
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
import yaml

from cases.errors import BadForm, CaseError, Refused
from cases.messages import Opening
from cli.output import print_json, print_table, say, when
from cli.running import run
from platforms.sandbox.acts import reason_text
from runtime.settings import Settings, load_settings
from workflows.process import Process

if TYPE_CHECKING:
    from platforms.sandbox.app import Sandbox

FOLDER = "sandbox"
RESHIP = "douyin_reship"
"""The process whose cases the sandbox's buyers open."""
OWNER_ONLY = 0o600
COLUMNS = ("售后单", "店铺", "状态码", "仲裁", "原因", "金额", "截止", "补寄单号")
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
    from gateway.serving import listen, serving  # noqa: PLC0415 - the other commands start faster without it
    from platforms.credentials import read_secrets  # noqa: PLC0415
    from platforms.sandbox.app import make_sandbox  # noqa: PLC0415

    folder = settings.data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    credentials = _credentials(folder / "secrets.yaml", f"http://{HOST}:{settings.sandbox_port}", shops)
    token = _kept(folder / "control_token", secrets.token_urlsafe(24))
    gateway = f"http://{settings.gateway_host}:{settings.gateway_port}/douyin"
    app = make_sandbox(read_secrets(credentials), gateway=gateway, state=folder / "records.json", control_token=token)
    with listen(HOST, settings.sandbox_port, "AFTERSALES_SANDBOX") as listener:
        async with serving(app, listener) as ended:
            yield RunningSandbox(app.state.sandbox, credentials, ended)


def case_id(process: Process, opening: Opening) -> str:
    """The id of the case that an opening leads to."""
    return f"{process.name}/{process.open_case(opening).facts.own_id}"


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


def sandbox_command(
    own_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="An after-sale; none: list them all.")] = None,
    act: Annotated[
        str | None, typer.Argument(metavar="[ACT]", help="What happens to it, such as sign, withdraw or rule-refund.")
    ] = None,
    form: Annotated[
        list[str] | None, typer.Option("--form", metavar="KEY=VALUE", help="A field of the act; repeatable.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="A buyer applies: --form shop_id=.. reason=.. amount=..")
    ] = False,
    advance: Annotated[str | None, typer.Option(help="Move the sandbox's clock forward, such as 48h.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")] = False,
) -> None:
    """Play buyer, platform and clock with the sandbox that `up` runs: list, show, or let something happen."""
    run(_play(own_id, act, form or [], apply=apply, advance=advance, as_json=as_json))


def _fields(given: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign:
            raise BadForm(f"--form {each!r}: expected KEY=VALUE")
        try:
            fields[name] = json.loads(value) if value.startswith(("[", "{")) else value
        except (ValueError, RecursionError) as bad:
            raise BadForm(f"--form {name}: expected JSON, got {value!r}") from bad
    return fields


async def _play(
    own_id: str | None, act: str | None, form: list[str], *, apply: bool, advance: str | None, as_json: bool
) -> None:
    if sum((own_id is not None, apply, advance is not None)) > 1:
        raise BadForm("expected one of: an after-sale's ID, --apply, --advance")
    if form and not (apply or act is not None):
        raise BadForm("--form: goes with an act or --apply")
    if advance is not None:
        path, body = "/clock", {"advance": advance}
    else:
        named = [quote(each, safe="") for each in (own_id, act) if each is not None]
        path, body = "/".join(("/after-sales", *named)), _fields(form)
    acts = apply or act is not None or advance is not None
    answer = await _asked(load_settings(), path, body if acts else None)
    if as_json:
        print_json(answer)
    elif "now" in answer:
        say(f"沙箱时钟 / the sandbox's clock: +{answer['offset']} s")
    else:
        rows = answer.get("after_sales", [answer])
        print_table("沙箱售后单 / after-sales", COLUMNS, [_row(record) for record in rows])


def _row(record: dict[str, Any]) -> list[Any]:
    until = datetime.fromtimestamp(record["deadline"], UTC).isoformat() if record["deadline"] else None
    parcel = (record["parcel"] or {}).get("tracking_no")
    own = [record[name] for name in ("after_sale_id", "shop_id", "status", "arbitration", "reason")]
    return [*own, f"{record['amount'] / 100:.2f}", when(until), parcel]


async def _asked(settings: Settings, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    import ssl  # noqa: PLC0415 - the other commands start faster without it

    import httpx2  # noqa: PLC0415

    token = settings.data_dir / FOLDER / "control_token"
    if not token.exists():
        raise CaseError(f"{token} is missing: no sandbox has run with this data folder; start one with `aftersales up`")
    headers = {"Authorization": f"Bearer {token.read_text(encoding='utf-8')}"}
    url = f"http://{HOST}:{settings.sandbox_port}/control{path}"
    # Plain HTTP on this machine: no proxy, and no certificates, which take long to read.
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    told: Any = None
    with suppress(httpx2.HTTPError, ValueError):
        async with httpx2.AsyncClient(headers=headers, verify=trust, trust_env=False) as client:
            answer = await (client.get(url) if body is None else client.post(url, json=body))
        told = answer.json()
    if not isinstance(told, dict):  # nothing is there, or something else
        raise CaseError(f"no sandbox answers at port {settings.sandbox_port}: start it with `aftersales up`")
    if answer.is_success:
        return told
    refusal = str(told.get("error"))
    raise Refused(refusal) if answer.status_code == 409 else BadForm(refusal)  # noqa: PLR2004 - HTTP's conflict
