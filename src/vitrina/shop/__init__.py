"""The whole road from Python: open a shop, import, train, publish, search.

    shop = Shop.create("my-shop", name="Лампы и розетки")
    shop.import_catalogue("goods/")
    shop.train("mobilenet_v2")
    shop.publish()
    answer = shop.search_photo("photo.jpg")

Each stage is imported inside the method that walks it, so that searching never loads what
training needs.

A part of the road is a module: `goods`, `models`, `publishing`, `answers`. They know nothing of one
another; what they share is in `opened`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vitrina.folder import ShopFolder
from vitrina.progress import SILENT, Progress
from vitrina.shop.answers import Answers
from vitrina.shop.goods import Goods
from vitrina.shop.models import Models
from vitrina.shop.publishing import Publishing
from vitrina.shop.training_extra import require_training

__all__ = ["Shop", "require_training"]


class Shop(Goods, Models, Publishing, Answers):
    """One shop in one folder.

    Args:
        folder: Its paths; use `create` or `open`.
        progress: Where long work reports to; silent unless given.
    """

    @classmethod
    def create(cls, path: str | Path, *, progress: Progress = SILENT, **settings: Any) -> Shop:
        """Makes a new shop in `path`.

        Args:
            path: Folder, made where it does not exist.
            progress: Where long work reports to.
            settings: Values for shop.toml, such as name="Лампы" or language="en".

        Raises:
            ShopExists: there is one already.
            SettingError: a setting is unknown or out of range.
        """
        return cls(ShopFolder.create(Path(path), **settings), progress)

    @classmethod
    def open(cls, path: str | Path = ".", *, progress: Progress = SILENT) -> Shop:
        """The shop in `path`.

        Raises:
            NotAShop: there is none.
        """
        return cls(ShopFolder.find(Path(path)), progress)
