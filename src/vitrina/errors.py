"""Every error that Vitrina raises on purpose.

Each one says what was wrong, what was expected and, in its hint, what mends it. `code` is stable:
scripts and the HTTP API rely on it. The command line (`vitrina.cli`) and the API
(`vitrina.serving.problems`) each translate this tree in one place.

    VitrinaError
    ├── ShopError            the shop folder itself
    │   ├── NotAShop             no shop.toml where one was expected
    │   ├── ShopExists           init on a folder that already is a shop
    │   ├── ShopBusy             another process is changing this shop
    │   ├── DatabaseAway         the database server does not answer now
    │   └── ShopVersion          the database belongs to another version of Vitrina
    ├── SettingError         a setting that cannot be used
    ├── PhotoError           a photo that cannot be used
    │   ├── EmptyPhoto           no bytes at all
    │   ├── NotAPhoto            bytes that are no picture of a kind that we open
    │   ├── PhotoTooLarge        more bytes than allowed
    │   ├── PhotoDimensions      too many pixels, too few, or a strip
    │   └── PhotoDamaged         a picture that breaks off or cannot be decoded
    ├── QueryError           a request that is not understood
    │   ├── BodyTooLarge         a body where none, or a smaller one, is taken
    │   └── TooManyEvents        more events of one answer than anybody makes
    ├── NotFound             nothing has that name
    │   ├── QueryUnknown         no photo was answered under that id
    │   └── ShopUnknown          none of the shops has that host or key
    ├── QueryForeign         an answer that another visitor was given
    ├── EditConflict         somebody else changed the same thing meanwhile
    ├── AdminRefused         who asks is not let in to the merchant's screens
    ├── TurnedAway           a request that is not answered now, and may be asked again
    │   ├── Busy                 more work than can be done in time is waiting
    │   ├── DeadlinePassed       the work waited for longer than an answer may take
    │   ├── RateExceeded         one client asked too often
    │   ├── UploadTooSlow        a body that takes too long to arrive
    │   ├── ModelCold            a shop's model is still being loaded
    │   └── Stopping             the server is being stopped
    ├── FeedError            a catalogue that cannot be read at all
    ├── CorrectionsError     a table of corrections that cannot be applied
    ├── DatasetError         too little to learn from, or nothing to test on
    ├── WeightsError         ImageNet weights
    │   ├── WeightsNotFound      none of the places has them
    │   └── WeightsDamaged       a file whose checksum or content is not the expected one
    ├── TrainingError        a run that cannot start, or that came to nothing
    ├── EvaluationError      a model that cannot be measured, or a comparison that cannot be read
    ├── ExperimentError      two bundles that cannot be compared in the shop
    │   └── NoExperiment         none are being compared
    ├── MissingExtra         a command that needs an optional part of the installation
    ├── ClusterError         a Ray cluster that the work cannot be done on
    │   ├── ClusterUnreachable   nothing answers there, or no cluster
    │   └── ClusterVersion       its Ray, Python or Vitrina is another one
    └── BundleError          what is served
        ├── NoBundle             nothing is published yet
        ├── BundleDamaged        checksums or contents are not what bundle.json says
        │   └── AnswerInvalid        the network answered a photo with what is no answer
        ├── QuantisationFailed   a network that cannot be had in whole numbers
        ├── TooLittleMemory      the process may not have what the network needs
        └── BundleDisagrees      the exported network answers differently from the trained one
"""

from __future__ import annotations

from typing import ClassVar


class VitrinaError(Exception):
    """Base of every error that a user of Vitrina can meet.

    Args:
        message: What was wrong and what was expected, one sentence.
        hint: What mends it; empty where nothing can be said.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ShopError(VitrinaError):
    """Something is wrong with the shop folder."""

    code = "shop"


class NotAShop(ShopError):
    """The folder holds no shop.toml."""

    code = "not_a_shop"


class ShopExists(ShopError):
    """`init` met a folder that already is a shop."""

    code = "shop_exists"


class ShopBusy(ShopError):
    """Another process is changing this shop right now."""

    code = "shop_busy"


class DatabaseAway(ShopError):
    """The database server does not answer now; it may in a moment."""

    code = "database_away"
    retry_after: ClassVar[int] = 5
    """Seconds after which it is worth asking again."""


class ShopVersion(ShopError):
    """The shop's database was written by another version of Vitrina."""

    code = "shop_version"


class SettingError(VitrinaError):
    """A setting is missing, unknown or out of range."""

    code = "setting"


class PhotoError(VitrinaError):
    """A photo cannot be used."""

    code = "photo"


class EmptyPhoto(PhotoError):
    """There are no bytes."""

    code = "photo_empty"


class NotAPhoto(PhotoError):
    """The bytes are not a picture of a kind that Vitrina opens."""

    code = "photo_type"


class PhotoTooLarge(PhotoError):
    """The file has more bytes than allowed."""

    code = "photo_too_large"


class PhotoDimensions(PhotoError):
    """The picture has too many pixels, too few, or is a thin strip."""

    code = "photo_dimensions"


class PhotoDamaged(PhotoError):
    """The picture breaks off or its decoder refuses it."""

    code = "photo_damaged"


class QueryError(VitrinaError):
    """A request cannot be understood as it is."""

    code = "query"


class BodyTooLarge(QueryError):
    """A request has a body where none, or a smaller one, is taken."""

    code = "body_too_large"


class TooManyEvents(QueryError):
    """One answer has more events than anybody makes."""

    code = "events_many"


class NotFound(VitrinaError):
    """Nothing has that name."""

    code = "not_found"


class QueryUnknown(NotFound):
    """No photo was answered under that id, or too long ago."""

    code = "query_unknown"


class ShopUnknown(NotFound):
    """None of the shops that this server has is found at that host or has that key."""

    code = "shop_unknown"


class QueryForeign(VitrinaError):
    """The answer was given to another visitor."""

    code = "query_foreign"


class EditConflict(VitrinaError):
    """Somebody else changed the same thing since it was looked at; nothing was changed now."""

    code = "edit_conflict"


class AdminRefused(VitrinaError):
    """A name or a password that the merchant's screens do not take."""

    code = "admin_refused"


class TurnedAway(VitrinaError):
    """A request is not answered now; the same one may be answered later.

    Args:
        message: What was wrong and what was expected, one sentence.
        hint: What mends it.
        retry_after: Seconds after which it is worth asking again.
    """

    code = "turned_away"

    def __init__(self, message: str, *, hint: str = "", retry_after: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Busy(TurnedAway):
    """More work than can be done in time is waiting already."""

    code = "busy"


class DeadlinePassed(TurnedAway):
    """The work waited for longer than an answer may take."""

    code = "deadline"


class RateExceeded(TurnedAway):
    """One client asked too often."""

    code = "rate"


class UploadTooSlow(TurnedAway):
    """A body takes too long to arrive."""

    code = "upload_slow"


class ModelCold(TurnedAway):
    """The shop's model is being loaded, which takes longer than a photo can wait."""

    code = "cold"


class Stopping(TurnedAway):
    """The server is being stopped and takes nothing new."""

    code = "stopping"


class FeedError(VitrinaError):
    """A catalogue cannot be read at all; single bad rows are refused, not raised."""

    code = "feed"


class CorrectionsError(VitrinaError):
    """A table of corrections cannot be applied; nothing of it was."""

    code = "corrections"


class DatasetError(VitrinaError):
    """There is too little to learn from, or nothing to test on."""

    code = "dataset"


class WeightsError(VitrinaError):
    """ImageNet weights cannot be used."""

    code = "weights"


class WeightsNotFound(WeightsError):
    """None of the places that were asked has the weights."""

    code = "weights_not_found"


class WeightsDamaged(WeightsError):
    """A weights file is not the one that was expected."""

    code = "weights_damaged"


class TrainingError(VitrinaError):
    """A run cannot start, or came to nothing."""

    code = "training"


class EvaluationError(VitrinaError):
    """A model cannot be measured, or a comparison cannot be read."""

    code = "evaluation"


class MissingExtra(VitrinaError):
    """The command needs an optional part of the installation."""

    code = "missing_extra"


class ClusterError(VitrinaError):
    """The work cannot be done on that Ray cluster."""

    code = "cluster"


class ClusterUnreachable(ClusterError):
    """No Ray cluster answers at that address, or this machine is none of its nodes."""

    code = "cluster_unreachable"


class ClusterVersion(ClusterError):
    """A node of the cluster has another version of Ray, Python or Vitrina than this machine."""

    code = "cluster_version"


class BundleError(VitrinaError):
    """A bundle cannot be written or served."""

    code = "bundle"


class NoBundle(BundleError):
    """Nothing is published yet, or no bundle has the name that was asked for."""

    code = "no_bundle"


class BundleDamaged(BundleError):
    """A bundle's checksums or contents are not what its bundle.json says."""

    code = "bundle_damaged"


class AnswerInvalid(BundleDamaged):
    """The network answered a photo with what is no answer; it must never be taken for a match."""

    code = "answer_invalid"


class QuantisationFailed(BundleError):
    """A network cannot be had in whole numbers."""

    code = "quantisation_failed"


class TooLittleMemory(BundleError):
    """This process may not have as much memory as the network needs."""

    code = "too_little_memory"


class BundleDisagrees(BundleError):
    """The exported network answers differently from the trained one."""

    code = "bundle_disagrees"


class ExperimentError(VitrinaError):
    """Two bundles cannot be compared in the shop."""

    code = "experiment"


class NoExperiment(ExperimentError):
    """No two bundles are being compared in the shop."""

    code = "no_experiment"
