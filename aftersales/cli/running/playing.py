"""What ``aftersales sandbox`` asks of the sandbox that `up` runs."""

import json
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2

from aftersales.cli.output import print_json, print_table, say, when
from aftersales.runtime.settings import Settings, load_settings
from aftersales.sandbox.running import CONTROL_KEY, FOLDER, HOST
from cases.errors import BadForm, CaseError, Refused

_COLUMNS = ("售后单", "店铺", "状态码", "仲裁", "原因", "金额", "截止", "补寄单号")


def _fields(form: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for text in form:
        name, sign, value = text.partition("=")
        if not sign:
            raise BadForm(f"--form {text!r}: expected KEY=VALUE")
        try:
            fields[name] = json.loads(value) if value.startswith(("[", "{")) else value
        except (ValueError, RecursionError) as bad:
            raise BadForm(f"--form {name}: expected JSON, got {value!r}") from bad
    return fields


async def play(
    own_id: str | None, action: str | None, form: list[str], *, apply: bool, advance: str | None, as_json: bool
) -> None:
    """List or show after-sales, perform an action, or move the clock, and print the answer."""
    if sum((own_id is not None, apply, advance is not None)) > 1:
        raise BadForm("expected one of: the ID of an after-sale, --apply, --advance")
    if form and not (apply or action is not None):
        raise BadForm("--form: needs an action or --apply")
    if advance is not None:
        path, body = "/clock", {"advance": advance}
    else:
        parts = [quote(part, safe="") for part in (own_id, action) if part is not None]
        path, body = "/".join(("/after-sales", *parts)), _fields(form)
    changes = apply or action is not None or advance is not None
    answer = await _request(load_settings(), path, body if changes else None)
    if as_json:
        print_json(answer)
    elif "now" in answer:
        say(f"沙箱时钟 / the sandbox's clock: +{answer['offset']} s")
    else:
        rows = answer.get("after_sales", [answer])
        print_table("沙箱售后单 / after-sales", _COLUMNS, [_row(record) for record in rows])


def _row(record: dict[str, Any]) -> list[Any]:
    until = datetime.fromtimestamp(record["deadline"], UTC).isoformat() if record["deadline"] else None
    parcel = (record["parcel"] or {}).get("tracking_no")
    own = [record[name] for name in ("after_sale_id", "shop_id", "status", "arbitration", "reason")]
    return [*own, f"{record['amount'] / 100:.2f}", when(until), parcel]


async def _request(settings: Settings, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    token = settings.data_dir / FOLDER / CONTROL_KEY
    if not token.exists():
        raise CaseError(f"{token} is missing: no sandbox has run with this data folder; start one with `aftersales up`")
    headers = {"Authorization": f"Bearer {token.read_text(encoding='utf-8')}"}
    url = f"http://{HOST}:{settings.sandbox_port}/control{path}"
    # Plain HTTP on this machine: no proxy, and no certificates, which take long to read.
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    answered: Any = None
    with suppress(httpx2.HTTPError, ValueError, RecursionError):
        async with httpx2.AsyncClient(headers=headers, verify=trust, trust_env=False) as client:
            answer = await (client.get(url) if body is None else client.post(url, json=body))
        answered = answer.json()
    if not isinstance(answered, dict):  # nothing listens there, or another program does
        raise CaseError(f"no sandbox answers at port {settings.sandbox_port}: start it with `aftersales up`")
    if answer.is_success:
        return answered
    refusal = str(answered.get("error"))
    raise Refused(refusal) if answer.status_code == 409 else BadForm(refusal)  # noqa: PLR2004 - HTTP's conflict
