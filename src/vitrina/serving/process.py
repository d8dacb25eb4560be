"""The server as a process: loads the shop, listens, and says when it does."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from vitrina.errors import SettingError
from vitrina.folder import ShopFolder
from vitrina.serving.app import create_app


class _Server(uvicorn.Server):
    """Uvicorn, telling when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()


def run_server(
    folder: ShopFolder, *, host: str, port: int, on_ready: Callable[[str], None] | None = None
) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        folder: The shop.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        on_ready: Called with the page's address once requests are answered.

    Raises:
        ShopVersion: the shop's database is missing or of another version.
        SettingError: the address cannot be listened on.
    """
    with _listen(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}"
        config = uvicorn.Config(create_app(folder), log_level="warning", server_header=False)
        server = _Server(config, lambda: on_ready(address) if on_ready else None)
        server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    # bound before anything is loaded: a taken port is told at once
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise SettingError(
            f"The server cannot listen on {host}, port {port}: {error.strerror}.",
            hint="Choose another with --host and --port, or stop what listens there.",
        ) from error
    return listener
