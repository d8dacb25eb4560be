"""The server as a process: loads the shop, listens, and says when it does."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import uvicorn

from vitrina.errors import SettingError
from vitrina.folder import ShopFolder
from vitrina.search.loaded import LoadedBundle
from vitrina.serving.app import create_app
from vitrina.starting import without_garbage_collection


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
    folder: ShopFolder,
    *,
    host: str,
    port: int,
    bundle: str | None = None,
    loading: Future[LoadedBundle] | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        folder: The shop.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        bundle: Version to serve instead of the active one.
        loading: That bundle, where somebody has begun to load it.
        on_ready: Called with the page's address once requests are answered.

    Raises:
        ShopVersion: the shop's database is missing or of another version.
        SettingError: the address cannot be listened on.
        BundleError: the bundle that was named cannot be served.
    """
    with _listen(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}"
        with without_garbage_collection():
            app = create_app(folder, bundle, loading)
        config = uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            # there are no sockets of the web, and looking for libraries of them takes time
            ws="none",
            lifespan="off",
        )
        server = _Server(config, lambda: on_ready(address) if on_ready else None)
        with _asked_to_stop(server):
            server.run(sockets=[listener])


def require_address(host: str, port: int) -> None:
    """Makes sure that an address can be listened on now.

    Raises:
        SettingError: it cannot.
    """
    _listen(host, port).close()


@contextmanager
def _asked_to_stop(server: uvicorn.Server) -> Iterator[None]:
    """Being asked to stop is how a server ends, no failure.

    Uvicorn raises each signal again once it has ended, for the handlers that were there before.
    Python's own would make that an interruption, and the system's a killed process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and only there does uvicorn heed signals
        return

    def stop(_number: int, _frame: object) -> None:
        server.should_exit = True  # also when it comes before uvicorn's own handlers are there

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    # bound before anything is loaded: a taken port is told at once
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise SettingError(
            f"The server cannot listen on {host}, port {port}: {error.strerror}.",
            hint="Choose another with --host and --port, or stop what listens there.",
        ) from error
    return listener
