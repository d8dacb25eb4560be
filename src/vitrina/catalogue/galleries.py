"""The pictures that a product gets from a row, beside those that it had."""

from __future__ import annotations

from collections.abc import Mapping

from vitrina.catalogue.photo_files import store_photo
from vitrina.catalogue.pictures import FoundPicture
from vitrina.catalogue.refusals import RefusalFile
from vitrina.catalogue.rows import FeedRow, Refusal, is_address
from vitrina.catalogue.split_file import plain_path
from vitrina.errors import PhotoError
from vitrina.folder import ShopFolder
from vitrina.store.bulk import AddressRecord
from vitrina.store.products import PhotoRecord

_LONGEST_ADDRESS = 2000


class Gallery:
    """The pictures of one product: those it had, and those it gets.

    Attributes:
        is_incomplete: One of the row's could not be taken, so that the next import tries again.
    """

    def __init__(
        self,
        had_photos: Mapping[int, PhotoRecord],
        had_addresses: Mapping[int, AddressRecord],
    ) -> None:
        self.had_photos = dict(had_photos)
        self.had_addresses = dict(had_addresses)
        self.photos: dict[int, PhotoRecord] = {}
        self.addresses: dict[int, AddressRecord] = {}
        self.is_incomplete = False

    def keep(self) -> None:
        """Leaves all as it was."""
        self.photos, self.addresses = self.had_photos, self.had_addresses

    def fill_gaps(self) -> None:
        """Until a new address is fetched, the picture that stood there before is shown."""
        shown = {photo.sha256 for photo in self.photos.values()}
        for position in self.addresses.keys() - self.photos.keys():
            had = self.had_photos.get(position)
            if had is not None and had.sha256 not in shown:
                self.photos[position] = had


class Galleries:
    """Takes pictures into the shop; files are stored at once, rows by the caller.

    Args:
        folder: The shop.
        splits: Split by picture, as `plain_path` spells it.
        refusals: Where pictures go that cannot be taken.
    """

    def __init__(
        self, folder: ShopFolder, splits: Mapping[str, str], refusals: RefusalFile
    ) -> None:
        self._folder = folder
        self._limits = folder.settings.photo_limits
        self._splits = splits
        self._refusals = refusals

    def take(
        self,
        row: FeedRow,
        found: Mapping[str, FoundPicture | str],
        had_photos: Mapping[int, PhotoRecord],
        had_addresses: Mapping[int, AddressRecord],
    ) -> Gallery:
        """What the row's product shall have.

        Where none of the row's pictures can be taken, it keeps its old ones.

        Args:
            row: That names the pictures.
            found: Its local pictures, or why there is none, by path.
            had_photos: What the shop has of the product, by position.
            had_addresses: Likewise.

        Raises:
            OSError: the shop cannot be written.
        """
        gallery = Gallery(had_photos, had_addresses)
        if "image" in row.absent:
            gallery.keep()
            return gallery
        by_address = {had.address: had for had in had_addresses.values()}
        by_content = {photo.sha256: photo for photo in had_photos.values()}
        position = 0
        for image in row.images:
            photo: PhotoRecord | None
            if not is_address(image):
                photo = self._take_local(row, image, found[image])
                if photo is None:
                    gallery.is_incomplete = True
                    continue
            elif len(image) > _LONGEST_ADDRESS:
                self._refuse(row, image, f"longer than {_LONGEST_ADDRESS} characters")
                gallery.is_incomplete = True
                continue
            else:
                had = by_address.get(image, AddressRecord(image))
                gallery.addresses[position] = had
                photo = by_content.get(had.sha256 or "")
            if photo is not None:
                gallery.photos[position] = photo
            position += 1
        if row.images and not position:
            gallery.keep()
            if had_photos or had_addresses:
                reason = "none of its pictures could be taken; its old ones stay"
                self._refuse(row, row.sku, reason)
        gallery.fill_gaps()
        return gallery

    def _take_local(
        self, row: FeedRow, image: str, picture: FoundPicture | str
    ) -> PhotoRecord | None:
        if isinstance(picture, str):
            self._refuse(row, image, picture)
            return None
        try:
            content = picture.read()
        except OSError as error:
            self._refuse(row, image, str(error))
            return None
        split = self._splits.get(plain_path(image))
        try:
            return store_photo(self._folder, content, self._limits, split=split)
        except PhotoError as error:
            self._refuse(row, image, str(error))
            return None

    def _refuse(self, row: FeedRow, value: str, reason: str) -> None:
        self._refusals.add(Refusal(row.line, "image", value[:200], reason))
