"""A minimal mail server: it offers STARTTLS, requires a password, and keeps the mails."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "hush-mail"  # noqa: S105  # made up


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost, and its key."""
    made, key = folder / "cert.pem", folder / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        ["openssl", "req", *kind, "-keyout", key, "-out", made, *names], check=True, capture_output=True, timeout=30
    )
    return made, key


@dataclass
class MailServer:
    """Records mails; ``says`` overrides its answers by command, ``encrypted`` says whether each mail was encrypted."""

    trusted: ssl.SSLContext | None
    says: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    refuses: str | None = None
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = False
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word, rest = line.split()[0].decode().upper(), line.decode().strip()
            self.commands.append(word)
            answer = self.says.get(word) or self._answer(word, rest, secure=secure)
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
            if word == "QUIT":
                break
            if word == "STARTTLS" and answer.startswith("220") and self.trusted:
                await writer.start_tls(self.trusted)
                secure = True
            if word == "DATA" and answer.startswith("354"):
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                self.encrypted.append(secure)
                writer.write(b"250 kept\r\n")
        writer.close()

    def _answer(self, word: str, line: str, *, secure: bool) -> str:
        if self.refuses and self.refuses in line:
            return "550 nobody"
        if word == "EHLO":
            return "250-here\r\n250 AUTH PLAIN" if secure or not self.trusted else "250-here\r\n250 STARTTLS"
        if word == "AUTH":
            return "235 in" if line.endswith("AHUAaHVzaC1tYWls") else f"535 not you: {PASSWORD}"  # \0u\0 and it
        return {"STARTTLS": "220 go", "DATA": "354 go on", "QUIT": "221 bye"}.get(word, "250 ok")


@asynccontextmanager
async def mail_server(trusted: ssl.SSLContext | None) -> AsyncIterator[MailServer]:
    """Serve on a free port for the length of a test."""
    made = MailServer(trusted)
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
