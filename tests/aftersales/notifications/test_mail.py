"""Mail over a real server: encrypted by default, and no password for a server that cannot be trusted."""

import email.policy
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from aftersales.notifications.channels import MailChannel
from aftersales.notifications.mail import Mail
from aftersales.notifications.notice import action_required_notice
from cases.errors import PlatformRefused, PlatformUnreachable
from tests.support.notifications.mailing import PASSWORD, MailServer, certificate, mail_server
from tests.support.notifications.notices import ACTION_REQUIRED, CONTEXT, notice, one


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("mail"))


@pytest_asyncio.fixture
async def server(certified: tuple[Path, Path]) -> AsyncIterator[MailServer]:
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.load_cert_chain(*certified)
    async with mail_server(trusted) as made:
        yield made


def mail(port: int, **more: Any) -> Mail:
    fields = {"host": "localhost", "port": port, "sender": "a@example.com", "to": ("b@example.com", "c@example.com")}
    channel = one({"type": "mail", "name": "mail", **fields, **more})
    assert isinstance(channel, MailChannel)
    return Mail(channel, timeout=2)


def let_in(certified: tuple[Path, Path]) -> dict[str, Any]:
    return {"ca_file": certified[0], "user": "u", "password": PASSWORD}


async def test_a_notice_arrives_encrypted_and_in_chinese(server: MailServer, certified: tuple[Path, Path]) -> None:
    await mail(server.port, **let_in(certified)).send(notice())

    (raw,) = server.mails
    read = email.message_from_bytes(raw.removesuffix(b".\r\n"), policy=email.policy.default)
    assert (read["Subject"], read["To"]) == ("【时限提醒】抖店补寄:待商家处理", "b@example.com, c@example.com")
    assert read.get_content().split() == "\n".join(notice().lines).split()
    assert server.encrypted == [True]


async def test_what_others_wrote_makes_no_header_and_no_line(server: MailServer, certified: tuple[Path, Path]) -> None:
    required = ACTION_REQUIRED.model_copy(update={"step": "同意\r\nBcc: x@evil.cn", "why": "不行\n截止时间:明天"})
    await mail(server.port, **let_in(certified)).send(action_required_notice(required, "k1", CONTEXT))

    (raw,) = server.mails
    read = email.message_from_bytes(raw.removesuffix(b".\r\n"), policy=email.policy.default)
    assert (read["Subject"], read["Bcc"]) == ("【需要人工处理】抖店补寄:同意 Bcc: x@evil.cn", None)
    assert "原因:不行 截止时间:明天" in read.get_content().splitlines()


async def test_without_a_trusted_certificate_no_password_is_given(server: MailServer) -> None:
    with pytest.raises(PlatformRefused, match="cannot be trusted"):
        await mail(server.port, user="u", password=PASSWORD).send(notice())
    assert "AUTH" not in server.commands


async def test_a_server_without_encryption_gets_no_password_and_no_mail() -> None:
    async with mail_server(None) as plain:
        with pytest.raises(PlatformRefused, match="SMTPNotSupportedError"):
            await mail(plain.port, user="u", password=PASSWORD).send(notice())
        assert not {"AUTH", "DATA"} & set(plain.commands)


async def test_where_it_is_said_so_mail_goes_without_encryption() -> None:
    async with mail_server(None) as plain:
        await mail(plain.port, encryption="none").send(notice())
        assert plain.encrypted == [False]


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ({"AUTH": f"535 {PASSWORD}"}, PlatformRefused),
        ({"AUTH": "454 later"}, PlatformUnreachable),
        ({"RCPT": "550 nobody"}, PlatformRefused),
        ({"RCPT": "450 later"}, PlatformUnreachable),
        ({"DATA": "554 no"}, PlatformRefused),
        ({"MAIL": "421 busy"}, PlatformUnreachable),
    ],
)
async def test_g_7_what_a_server_refuses_is_final_or_for_later_by_its_code(
    server: MailServer, certified: tuple[Path, Path], says: dict[str, str], error: type[Exception]
) -> None:
    server.says = says
    with pytest.raises(error) as caught:
        await mail(server.port, **let_in(certified)).send(notice())
    assert PASSWORD not in str(caught.value)
    assert server.mails == []


@pytest.mark.parametrize("farewell", ["500 what", "221"])
async def test_a_mail_that_was_taken_is_sent_whatever_the_farewell(server: MailServer, farewell: str) -> None:
    server.trusted, server.says = None, {"QUIT": farewell}
    await mail(server.port, encryption="none").send(notice())

    assert len(server.mails) == 1


async def test_a_refused_recipient_does_not_make_the_others_get_the_mail_again(server: MailServer) -> None:
    server.trusted, server.refuses = None, "b@example.com"
    with structlog.testing.capture_logs() as lines:
        await mail(server.port, encryption="none").send(notice())

    assert (len(server.mails), [line["many"] for line in lines]) == (1, [1])


async def test_g_7_where_nobody_listens_it_is_tried_again(server: MailServer) -> None:
    async with mail_server(None) as gone:
        port = gone.port
    with pytest.raises(PlatformUnreachable, match="ConnectionRefusedError"):
        await mail(port).send(notice())
