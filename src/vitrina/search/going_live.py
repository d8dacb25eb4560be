"""How a bundle becomes the one that is served: all is made ready first, then one file changes.

The goods that the bundle has no embedding of are embedded, it is loaded as a server would load it,
and only then `bundles/active` names it. A server that runs sees that file change and loads the
bundle beside the one it has. Going back is the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.bundle import (
    activate,
    active_version,
    earlier_versions,
    kept_versions,
    step_back,
)
from vitrina.errors import ExperimentError, NoBundle
from vitrina.experiment.definition import (
    SLOW_MS,
    Criterion,
    Experiment,
    begin,
    require_comparable,
)
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.machine import usable_cores
from vitrina.progress import SILENT, Progress
from vitrina.search.loaded import load_bundle
from vitrina.search.new_goods import embed_goods_of


@dataclass(frozen=True)
class Switched:
    """From which bundle to which.

    Attributes:
        version: The one that is served now.
        before: The one that was served; None where there was none.
        embedded: Photos of goods that it had no embedding of and that it has now.
    """

    version: str
    before: str | None
    embedded: int


def go_live(folder: ShopFolder, version: str, progress: Progress = SILENT) -> Switched:
    """Has a bundle served from now on.

    Args:
        folder: The shop, whose lock the caller holds.
        version: Of a bundle that lies there complete.
        progress: Where the work reports to.

    Raises:
        BundleError: there is none of that version, or it cannot be served; the one that was served
            still is.
    """
    before = active_version(folder.bundles)
    embedded = _make_ready(folder, version, progress)
    activate(folder.bundles, version)
    return Switched(version, before, embedded)


def roll_back(
    folder: ShopFolder, version: str | None = None, progress: Progress = SILENT
) -> Switched:
    """Has the bundle served again that was served before this one.

    Each call goes one further back. The bundle that is left stays in its folder, and naming it
    goes there again.

    Args:
        folder: The shop.
        version: Another one to go to, whether or not it was ever served.
        progress: Where the work reports to.

    Raises:
        NoBundle: nothing was served before, or there is no bundle of that version.
        BundleDamaged: that bundle cannot be served; the one that was served still is.
        ShopBusy: another process is changing the shop.
    """
    with writing(folder, "rollback", progress):
        before = active_version(folder.bundles)
        if version is not None:
            return go_live(folder, version, progress)
        earlier = earlier_versions(folder.bundles)
        if not earlier:
            kept = [name for name in kept_versions(folder.bundles) if name != before]
            raise NoBundle(
                "No bundle that is still there was served before this one.",
                hint=f"Name one with --to: {', '.join(kept)}." if kept else "There is no other.",
            )
        embedded = _make_ready(folder, earlier[0], progress)
        step_back(folder.bundles, earlier[0])
        return Switched(earlier[0], before, embedded)


def start_experiment(
    folder: ShopFolder,
    version: str,
    *,
    share: float = 0.5,
    criterion: Criterion = "click",
    slow_ms: float = SLOW_MS,
    progress: Progress = SILENT,
) -> Experiment:
    """Has another bundle answer a share of the visitors beside the active one.

    Args:
        folder: The shop.
        version: Of the other bundle.
        share: Of the visitors that it gets, above 0 and below 1.
        criterion: What a visitor must do to count as won.
        slow_ms: Milliseconds above which an answer is slow.
        progress: Where the work reports to.

    Raises:
        ExperimentError: one is running, the two cannot be compared, or nothing is kept that they
            could be compared by.
        BundleError: one of the two is not there, or cannot be served.
        ShopBusy: another process is changing the shop.
    """
    with writing(folder, "ab", progress):
        # refused before anything is loaded for it
        require_comparable(folder.bundles, version, share, criterion, slow_ms)
        if not folder.settings.events:
            raise ExperimentError(
                "The shop does not keep what shoppers do, so bundles cannot be compared by it.",
                hint="Set events = true in shop.toml and start the server again.",
            )
        _make_ready(folder, version, progress)
        return begin(folder.bundles, version, share=share, criterion=criterion, slow_ms=slow_ms)


def _make_ready(folder: ShopFolder, version: str, progress: Progress) -> int:
    """Loads the bundle as a server would, and embeds the goods that came since it was made."""
    loaded = load_bundle(folder.bundles, version, threads=usable_cores())
    return embed_goods_of(folder, loaded.bundle, progress) if folder.database.exists() else 0
