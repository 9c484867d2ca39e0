"""Notices by mail, as plain text, over STARTTLS unless the channel has another encryption."""

import asyncio
import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate

import structlog

from aftersales.notifications.channels import MailChannel
from aftersales.notifications.notice import Notice
from cases.errors import PlatformRefused, PlatformUnreachable

_TIMEOUT = 10.0
_PERMANENT = 500


class Mail:
    """Sends through one mail server, in a thread."""

    def __init__(self, channel: MailChannel, timeout: float = _TIMEOUT) -> None:
        self._channel, self._timeout = channel, timeout

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""
        await asyncio.to_thread(self._send, self._message(notice))

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._channel.sender, ", ".join(self._channel.to)
        message["Subject"] = notice.title
        number = hashlib.sha256(notice.key.encode()).hexdigest()[:32]
        message["Date"], message["Message-ID"] = formatdate(), f"<{number}@aftersales.invalid>"
        message.set_content("\n".join(notice.lines))
        return message

    def _send(self, message: EmailMessage) -> None:
        with _mail_errors():
            server = self._connected()
            try:
                if self._channel.user and self._channel.password:
                    server.login(self._channel.user, self._channel.password.get_secret_value())
                if refused := server.send_message(message):
                    structlog.get_logger("notices").warning("recipients refused", many=len(refused))
                # The mail is accepted, however the connection ends.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
            finally:
                server.close()

    def _connected(self) -> smtplib.SMTP:
        channel = self._channel
        if channel.encryption == "none":
            return smtplib.SMTP(channel.host, channel.port, timeout=self._timeout)
        trusted = ssl.create_default_context(cafile=channel.ca_file)
        if channel.encryption == "tls":
            return smtplib.SMTP_SSL(channel.host, channel.port, timeout=self._timeout, context=trusted)
        server = smtplib.SMTP(channel.host, channel.port, timeout=self._timeout)
        try:
            server.starttls(context=trusted)
        except BaseException:
            server.close()
            raise
        return server


@contextmanager
def _mail_errors() -> Iterator[None]:
    """Translate errors; only codes are repeated, because a server's text may quote what was sent."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        raise _error_of(min(codes)) from None
    except smtplib.SMTPResponseException as refused:
        raise _error_of(refused.smtp_code) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as refused:
        what = f"邮件服务器不可信 / the mail server cannot be trusted ({type(refused).__name__})"
        raise PlatformRefused(what) from None
    except (smtplib.SMTPException, OSError) as failed:
        what = f"邮件服务器无响应 / the mail server cannot be reached ({type(failed).__name__})"
        raise PlatformUnreachable(what) from None


def _error_of(code: int) -> PlatformRefused | PlatformUnreachable:
    if code >= _PERMANENT:
        return PlatformRefused(f"邮件服务器拒绝 / the mail server refused: {code}")
    return PlatformUnreachable(f"邮件服务器暂不接收 / the mail server is not accepting mail: {code}")
