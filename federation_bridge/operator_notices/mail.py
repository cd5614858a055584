"""Notices by mail."""

from __future__ import annotations

import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

import structlog

from federation_bridge.operator_notices.message import Message
from federation_bridge.operator_notices.places import Answer
from federation_bridge.outgoing.mail import MailServer, hand_over
from federation_bridge.settings import Mail
from federation_bridge.shown_text import shown

_log = structlog.get_logger(__name__)

_LEAST, _MOST = 20.0, 35.0
"""Seconds for one mail: many servers make a stranger wait before they greet."""
_PERMANENT = 500
_MOST_CHARACTERS = 200


class MailPlace:
    """A `Place` by mail. The password is read when it is made; ConfigurationInvalid where it cannot be."""

    def __init__(self, mail: Mail, base_url: str, tls: ssl.SSLContext, timeout: timedelta) -> None:
        self._mail, self._tls = mail, tls
        self._host = urlsplit(base_url).hostname or "bridge"
        self._seconds = min(max(timeout.total_seconds(), _LEAST), _MOST)
        password = mail.password.read() if mail.password is not None else ""
        self._server = MailServer(mail.host, mail.port, mail.security, self._host, mail.user or "", password)

    def send(self, message: Message) -> Answer:
        """As `Place.send`. Where some of the recipients are taken, it is sent: the log names the others."""
        try:
            left_out = hand_over(self._server, mail_of(message, self._mail, self._host), self._tls, self._seconds)
        except smtplib.SMTPRecipientsRefused as refused:
            code, told = max(refused.recipients.values())
            is_for_good = all(code >= _PERMANENT for code, _ in refused.recipients.values())
            return Answer("refused" if is_for_good else "retried", _told(code, told))
        except smtplib.SMTPAuthenticationError as refused:  # the password will be mended, the mail is as it is
            return Answer("retried", f"user or password: {_told(refused.smtp_code, refused.smtp_error)}")
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
            is_for_good = refused.smtp_code >= _PERMANENT
            return Answer("refused" if is_for_good else "retried", _told(refused.smtp_code, refused.smtp_error))
        except (OSError, ValueError) as problem:
            return Answer("retried", f"{type(problem).__name__}: {shown(str(problem), '?')}"[:_MOST_CHARACTERS])
        if left_out:
            _log.warning("a notice was not taken for some recipients", recipients=sorted(left_out))
        return Answer("sent", "taken" + (f", but for {len(left_out)} of its recipients" if left_out else ""))


def mail_of(message: Message, mail: Mail, host: str) -> EmailMessage:
    """The mail. No text of it can begin a header: the library refuses line breaks, and we write none."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = shown(message.subject, "?")
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.to)
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = f"<{message.id}@{host}>"
    # RFC 3834: nobody's holiday note answers it.
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(message.text, cte="quoted-printable")
    return made


def _told(code: int, answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"answered {code} {shown(' '.join(text.split()), '?')}"[:_MOST_CHARACTERS]
