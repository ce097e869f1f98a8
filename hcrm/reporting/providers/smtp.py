"""Letters by the hospital's mail server."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid

TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where the mail server is and how it is spoken to (``starttls``, ``tls``, ``none``)."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender: str = ""


class NotSent(Exception):
    """The letter did not go out. ``code`` says why; ``again``: the server has surely not taken it."""

    def __init__(self, code: str, *, again: bool) -> None:
        super().__init__(code)
        self.code = code
        self.again = again


def send(server: MailServer, *, to: str, subject: str, text: str) -> None:
    """Hand one letter over. Raises ``NotSent``."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = server.sender, to, subject
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    message.set_content(text)
    handed_over = False
    try:
        with _connected(server) as connection:
            if server.user:
                connection.login(server.user, server.password)
            handed_over = True
            connection.send_message(message)
    except smtplib.SMTPResponseException as refusal:
        raise NotSent(f"smtp_{refusal.smtp_code}", again=True) from None
    except smtplib.SMTPRecipientsRefused:
        raise NotSent("recipient_refused", again=True) from None
    except (smtplib.SMTPException, OSError):
        raise NotSent("unknown" if handed_over else "not_reached", again=not handed_over) from None


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    if server.security == "starttls":
        connection.starttls(context=ssl.create_default_context())
    return connection
