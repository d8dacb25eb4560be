"""The server as a process: loads the shop, listens, and says when it does."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Protocol

import uvicorn
from starlette.types import Receive, Scope, Send

from vitrina.errors import SettingError
from vitrina.folder import ShopFolder
from vitrina.search.loaded import LoadedBundle
from vitrina.serving import logs
from vitrina.serving import metrics as families
from vitrina.serving.app import ShopApp, create_app
from vitrina.serving.connections import KEEP_ALIVE_SECONDS, OpenConnections
from vitrina.serving.gate import Draining
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.served_bundle import ServedBundle
from vitrina.settings import Settings
from vitrina.starting import without_garbage_collection
from vitrina.version import __version__

_CLOSING_SECONDS = 3
"""For connections to close after the last answer; longer than any lingers."""

REST_SECONDS = 1.0
"""After these, what is not searching by photo is loaded though nobody asked for it yet: the first
photo must not share the processor with that."""

_OTHER_FILES = 256
"""That a server has open besides connections: the database, pictures, libraries."""


class _Server(uvicorn.Server):
    """Uvicorn, telling when it listens, and answering what it accepted before it ends.

    Args:
        config: Of uvicorn.
        draining: Told as soon as the server is asked to stop.
        drain_seconds: Time for what was accepted.
        on_listening: Called once requests are answered.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        draining: Draining,
        drain_seconds: float,
        on_listening: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._draining = draining
        self._drain_seconds = drain_seconds
        self._on_listening = on_listening

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: whoever asks from now on is told that the server ends."""
        self._draining.begin()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no more connections, finishes what was accepted, ends."""
        self._draining.begin()
        logs.event(logging.INFO, "stopping", always=True, in_flight=len(self.server_state.tasks))
        for server in self.servers:
            server.close()
        # Connections stay open meanwhile: uvicorn would cut those whose next request is on its way.
        latest = asyncio.get_running_loop().time() + self._drain_seconds
        while self.server_state.tasks and asyncio.get_running_loop().time() < latest:
            if self.force_exit:
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

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
    run_application(
        lambda: _OneShop(create_app(folder, bundle, loading)),
        folder.settings,
        host=host,
        port=port,
        on_ready=on_ready,
    )


class Application(Protocol):
    """What a server process runs.

    Attributes:
        metrics: What it counts.
        draining: Told when the process is asked to stop.
    """

    @property
    def metrics(self) -> ServerMetrics:
        """What it counts."""

    @property
    def draining(self) -> Draining:
        """Told when the process is asked to stop."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

    def listening(self, address: str) -> None:
        """Called in the event loop once requests are answered."""

    def beside(self) -> AbstractContextManager[None]:
        """What goes on while requests are answered."""

    def close(self) -> None:
        """Called once the last request was answered."""


class _OneShop:
    """The application of one shop that has the process to itself."""

    def __init__(self, app: ShopApp) -> None:
        self._app = app
        self.metrics, self.draining = app.metrics, app.draining
        self.close = app.recorder.close
        # a bundle that is made active is loaded also where nobody asks for the moment
        self.beside = app.shop.served.watching

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def listening(self, address: str) -> None:
        _say_ready(self._app.shop.settings, self._app.shop.served, address, self.metrics.started)
        self._app.rest.build_in(REST_SECONDS)


def run_application(
    create: Callable[[], Application],
    settings: Settings,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves an application until SIGINT or SIGTERM.

    Args:
        create: Makes it, once the address is this process's own.
        settings: Of connections, of the log, and of how it is stopped.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        on_ready: Called with the address once requests are answered.

    Raises:
        SettingError: the address cannot be listened on.
    """
    stream, form, level = logs.stderr_lines(), settings.log_format, settings.log_level
    with _listen(host, port) as listener, logs.written_to(stream, form=form, level=level) as lines:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}"
        with without_garbage_collection():
            app = create()
        app.metrics.read(families.LOG_DROPPED, lambda: lines.dropped)

        def tell() -> None:
            app.metrics.set_started()
            app.listening(address)
            if on_ready:
                on_ready(address)

        connections = OpenConnections(settings.connections)
        _allow_files(settings.connections + _OTHER_FILES)
        config = uvicorn.Config(
            app,
            http=connections.protocol(),
            # what it says is written with what we say
            log_config=None,
            access_log=False,
            server_header=False,
            # the application hears proxies itself, and only those that the settings name
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_CLOSING_SECONDS,
            # there are no sockets of the web, and looking for libraries of them takes time
            ws="none",
            lifespan="off",
        )
        server = _Server(
            config,
            app.draining,
            settings.drain_seconds,
            tell,
        )
        with _asked_to_stop(server), app.beside():
            server.run(sockets=[listener])
        app.close()
        logs.event(logging.INFO, "stopped", always=True)


def _say_ready(
    settings: Settings, served: ServedBundle, address: str, seconds: float | None
) -> None:
    status = served.status()
    logs.event(
        logging.INFO,
        "ready",
        always=True,
        shop=settings.name,
        address=address,
        version=__version__,
        pid=os.getpid(),
        bundle=status.version or "none",
        threads=settings.inference_threads,
        slots=settings.slots,
        start_ms=None if seconds is None else round(seconds * 1e3),
    )
    if status.version is None and (trouble := status.trouble) is not None:
        logs.event(
            logging.WARNING,
            "no_bundle",
            say=f"Words are searched, photos are not. {trouble.message}",
            code=trouble.code,
            hint=trouble.hint,
        )


def _allow_files(number: int) -> None:
    """Lets this process have so many files and sockets open, where the system permits it."""
    try:
        import resource
    except ImportError:
        return  # no system of the Unix kind
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
