"""How much memory a bundle takes, told from its files without opening them."""

from __future__ import annotations

from vitrina.bundle import MODEL, active_version
from vitrina.encoder import memory_beside
from vitrina.errors import NoBundle
from vitrina.folder import ShopFolder
from vitrina.serving.served_bundle import ServedBundle


class Reckoned:
    """Memory of one shop's bundles.

    Args:
        folder: The shop.
    """

    def __init__(self, folder: ShopFolder) -> None:
        self._bundles = folder.bundles
        self._known: dict[str, int] = {}

    def active(self) -> int:
        """Bytes for the bundle that is active.

        Raises:
            NoBundle: there is none.
        """
        version = active_version(self._bundles)
        try:
            if version is not None:
                return self._of(version)
        except OSError:
            pass  # named, and not there
        raise NoBundle("Nothing is published yet.", hint="Publish a run: vitrina publish.")

    def loaded(self, served: ServedBundle) -> int:
        """Bytes for what is in memory."""
        return sum(self._of(bundle.info.version) for bundle in served.loaded())

    def _of(self, version: str) -> int:
        if version not in self._known:
            folder = self._bundles / version
            beside = sum(file.stat().st_size for file in folder.iterdir() if file.name != MODEL)
            self._known[version] = memory_beside(folder / MODEL) + beside
        return self._known[version]
