"""Several shops as one server process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vitrina.serving.many.service import Service
from vitrina.serving.many.shops_file import ServicePlan, read_shops
from vitrina.serving.process import run_application


def serve_shops(
    file: Path,
    *,
    host: str | None = None,
    port: int | None = None,
    on_ready: Callable[[ServicePlan, str], None] | None = None,
) -> None:
    """Serves the shops that a file names until SIGINT or SIGTERM.

    Args:
        file: Names them.
        host: Address to listen on; the file's, or the setting's, where None.
        port: Port to listen on, likewise; 0 takes any free one.
        on_ready: Called with what is served, and its address, once it is.

    Raises:
        SettingError: the file cannot be used, or the address cannot be listened on.
    """
    plan = read_shops(file)
    tell = on_ready
    run_application(
        lambda: Service(plan),
        plan.settings,
        host=host or plan.settings.host,
        port=plan.settings.port if port is None else port,
        on_ready=None if tell is None else lambda address: tell(plan, address),
    )
