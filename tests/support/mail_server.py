"""An SMTP server (aiosmtpd) that takes mail as it is told to: well, not now, never, or without a word."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

OK = "250 OK"
# The line is cut after the whole message has come, before it is answered.
CUT = "cut"


class MailServer:
    """What it took, and what it answers: at RCPT TO (``at_recipient``), and to the message (``at_message``)."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.at_recipient: Callable[[str], str] = lambda address: OK
        self.at_message: Callable[[EmailMessage], str] = lambda message: OK
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Answer to an address."""
        answer = self.at_recipient(address)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a message."""
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        answer = self.at_message(message)
        if answer.startswith("250") or answer == CUT:
            self.messages.append(message)
        if answer == CUT:
            server.transport.abort()
        return OK if answer == CUT else answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server on a port of its own, on this machine."""
    held = MailServer()
    held.port = _free_port()
    controller = Controller(held, hostname="127.0.0.1", port=held.port)
    controller.start()
    try:
        yield held
    finally:
        controller.stop()
