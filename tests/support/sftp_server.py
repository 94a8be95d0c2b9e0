"""An SFTP server on loopback (asyncssh): one user, a folder as its root, a host key of its own."""

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

USER = "courier"


class _OnlyUser(asyncssh.SSHServer):
    """Lets the one user in, by key or by password."""

    password = ""
    connections: set[asyncssh.SSHServerConnection] = set()

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connections.add(conn)

    def password_auth_supported(self) -> bool:
        return bool(self.password)

    def validate_password(self, username: str, password: str) -> bool:
        return username == USER and password == self.password


class SftpServer:
    """Start with ``with``. ``key_file`` is the user's private key, ``known_hosts`` what a client should know."""

    def __init__(self, root: Path, keys: Path, *, password: str = "") -> None:
        self.root = root
        self.password = password
        keys.mkdir(parents=True, exist_ok=True)
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.key_file, self._authorized = keys / "id", keys / "authorized"
        user_key.write_private_key(str(self.key_file))
        user_key.write_public_key(str(self._authorized))
        self.known_hosts = keys / "known_hosts"
        self.port = 0
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._acceptor = self._run(self._listen())
        self.port = self._acceptor.get_port()
        public = self.host_key.export_public_key().decode().strip()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The address of its root."""
        return f"sftp://{USER}@127.0.0.1:{self.port}/"

    def _run(self, work: object) -> asyncssh.SSHAcceptor:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)  # type: ignore[arg-type]

    async def _listen(self) -> asyncssh.SSHAcceptor:
        server = type("_Server", (_OnlyUser,), {"password": self.password, "connections": self._connections})
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=server,
            server_host_keys=[self.host_key],
            authorized_client_keys=str(self._authorized),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(self.root).encode()),
        )

    async def _close(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()
        for connection in self._connections:
            connection.abort()
            await connection.wait_closed()
