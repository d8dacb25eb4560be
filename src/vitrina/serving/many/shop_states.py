"""What became of each shop of a server, for operators: in /readyz, in /metrics, in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from vitrina.serving.many.hosted_shop import HostedShop

State = Literal["warm", "cold", "failed"]
STATES: tuple[State, ...] = ("warm", "cold", "failed")


def state_of(shop: HostedShop) -> State:
    """Whether photos of a shop are answered at once, after its model is loaded, or not at all."""
    if shop.app is None or shop.model is None:
        return "failed"
    if shop.model.is_cold:
        return "cold" if shop.model.trouble is None else "failed"
    return "failed" if shop.app.shop.not_ready is not None else "warm"


def counted(shops: Sequence[HostedShop]) -> dict[State, int]:
    """How many shops are in each state."""
    found = Counter(map(state_of, shops))
    return {state: found[state] for state in STATES}


def told(shop: HostedShop) -> dict[str, object]:
    """All that is known of one, without what is None."""
    model, app = shop.model, shop.app
    said: dict[str, object] = {"state": state_of(shop), "code": None, "detail": None}
    trouble = shop.trouble or (model and model.trouble) or (app and app.shop.not_ready)
    if trouble:
        said |= {"code": trouble.code, "detail": trouble.message}
    if model is not None:
        said["version"] = model.served.status().version
        said |= {"loads": model.loads, "evictions": model.evictions}
        said["load_ms"] = round(model.load_seconds * 1e3) or None
    return {key: value for key, value in said.items() if value is not None}
