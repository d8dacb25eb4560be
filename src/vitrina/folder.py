"""A shop's folder: where each thing of a shop lies on the disk.

shop.toml           settings
vitrina.db          products, photos, categories
server.db           queries, events, who may sign in: what a running server writes
server.secret       what visitors' ids are hashed with
review/             photos of doubtful answers, where the shop keeps them
synonyms.txt        words that mean the same, where the merchant wrote some
photos/ab/<sha>.jpg every picture once, under the SHA-256 of its bytes
imports/            rows that an import refused
runs/<id>/          training runs
report/             the last comparison: index.html, comparison.csv, comparison.json
check/              the last check: index.html, corrections.csv
bundles/<version>/  what can be served; bundles/active names the one that is
cache/              decoded photos and activations: may be deleted at any time
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vitrina import atomic
from vitrina.database_url import DatabaseUrl
from vitrina.errors import NotAShop, ShopError, ShopExists
from vitrina.settings import Settings, read_settings, settings_as_toml


@dataclass(frozen=True)
class ShopFolder:
    """The paths inside one shop; knows names, not contents."""

    root: Path

    @classmethod
    def create(cls, root: Path, **settings: object) -> ShopFolder:
        """Makes `root` a shop: folders and a commented shop.toml.

        Raises:
            ShopExists: there is a shop already.
            ShopError: the folder cannot be made or written to.
            SettingError: a setting is unknown or out of range.
        """
        folder = cls(root.resolve())
        toml = settings_as_toml(settings)
        try:
            if folder.toml.exists():
                raise ShopExists(
                    f"{folder.root} already is a shop.",
                    hint="Choose another folder, or go on with `vitrina import`.",
                )
            for part in (folder.photos, folder.imports, folder.runs, folder.bundles, folder.cache):
                part.mkdir(parents=True, exist_ok=True)
            # shop.toml last: a folder with one is a shop, and a killed init is simply run again
            atomic.write_text(folder.toml, toml)
        except OSError as error:
            raise ShopError(
                f"{folder.root} cannot be made a shop: {error.strerror}.",
                hint="Choose a folder that you may write to.",
            ) from error
        try:
            read_settings(folder.toml)
        except BaseException:
            folder.toml.unlink()
            raise
        return folder

    @classmethod
    def find(cls, root: Path) -> ShopFolder:
        """The shop at `root`.

        Raises:
            NotAShop: there is no shop.toml.
        """
        folder = cls(root.resolve())
        if not folder.toml.is_file():
            raise NotAShop(
                f"{folder.root} is not a shop: it holds no shop.toml.",
                hint="Go to the shop's folder, name it with --shop DIR, or make one: vitrina init.",
            )
        return folder

    @cached_property
    def settings(self) -> Settings:
        """Settings of this shop, read once."""
        return read_settings(self.toml)

    @property
    def toml(self) -> Path:
        """Settings; its presence makes a folder a shop."""
        return self.root / "shop.toml"

    @property
    def database(self) -> Path | DatabaseUrl:
        """The SQLite file, or where the shop's PostgreSQL is."""
        return self._database_url or self.root / "vitrina.db"

    @property
    def server_database(self) -> Path | DatabaseUrl:
        """The same of what a running server writes."""
        return self._database_url or self.root / "server.db"

    @cached_property
    def _database_url(self) -> DatabaseUrl | None:
        url = self.settings.database_url
        return DatabaseUrl(url, self.settings.database_schema) if url else None

    @property
    def secret(self) -> Path:
        """What visitors' ids are hashed with."""
        return self.root / "server.secret"

    @property
    def review(self) -> Path:
        """Photos of doubtful answers, where the shop keeps them."""
        return self.root / "review"

    @property
    def synonyms(self) -> Path:
        """Words that mean the same; the merchant writes it, and need not."""
        return self.root / "synonyms.txt"

    @property
    def photos(self) -> Path:
        """Pictures of the goods."""
        return self.root / "photos"

    @property
    def imports(self) -> Path:
        """Reports of refused rows."""
        return self.root / "imports"

    @property
    def runs(self) -> Path:
        """Training runs."""
        return self.root / "runs"

    @property
    def check(self) -> Path:
        """The last check."""
        return self.root / "check"

    @property
    def bundles(self) -> Path:
        """What can be served."""
        return self.root / "bundles"

    @property
    def report(self) -> Path:
        """The last comparison."""
        return self.root / "report"

    @property
    def cache(self) -> Path:
        """What can be computed again."""
        return self.root / "cache"

    def photo(self, sha256: str, suffix: str) -> Path:
        """Where the picture with that content lies; `suffix` starts with a dot."""
        return self.photos / sha256[:2] / f"{sha256}{suffix}"
