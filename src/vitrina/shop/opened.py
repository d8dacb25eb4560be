"""What all parts of a shop begin with: its folder, its lock, and what answers for it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from vitrina.folder import ShopFolder
from vitrina.progress import SILENT, Progress
from vitrina.shop.loaded_searches import LoadedSearches

Engine = Literal["local", "ray"]
"""Whether heavy work is done on this machine or on a Ray cluster."""


class OpenedShop:
    """A shop in its folder.

    Args:
        folder: Its paths.
        progress: Where long work reports to; silent unless given.
    """

    def __init__(self, folder: ShopFolder, progress: Progress = SILENT) -> None:
        self.folder = folder
        self._progress = progress
        self._searches = LoadedSearches(folder)

    def _writing(self, work: str) -> AbstractContextManager[None]:
        """The shop's lock, for the command that is called `work`."""
        from vitrina.journal import writing

        return writing(self.folder, work, self._progress)
