"""The slots in which photos are worked on, shared by the queues of several shops.

Each shop keeps its own queue (`vitrina.serving.admission`), with its own limits. What is shared is
the slots: whenever one is free, the shop that has had least of them is next. Everything here
happens in the server's one event loop.
"""

from __future__ import annotations

from vitrina.serving.admission import Admission, Place
from vitrina.serving.many.fair_order import FairOrder, Share
from vitrina.serving.photo_load import Load


class FairSlots:
    """Slots of one server.

    Args:
        slots: Photos worked on at the same time, of all shops together.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._order = FairOrder()
        self._shops: list[SlotShare] = []
        self._waiting: dict[SlotShare, None] = {}
        self._working = self._slow_working = 0

    def share(self, weight: float = 1.0) -> SlotShare:
        """A new shop's part of the slots."""
        return SlotShare(self, weight)

    @property
    def busy(self) -> int:
        """Slots in use."""
        return self._working

    def _heard(self, share: SlotShare) -> None:
        """Something of that shop waits, or does not any more."""
        if not share.queue.waiting:
            self._waiting.pop(share, None)
        elif share not in self._waiting:
            self._order.wants(share)
            self._waiting[share] = None
        self._call()

    def _ended(self, share: SlotShare, place: Place, took_ms: float) -> None:
        self._working -= 1
        self._slow_working -= place.load.slow
        self._order.ended(share, place.expected_ms, took_ms)

    def _call(self) -> None:
        """Gives free slots to those whose turn it is."""
        while self._working < self.slots and self._waiting:
            for share in self._order.of(self._waiting):
                # one slow photo of all shops at a time: their decoder is one process
                place = share.queue.begin_next(slow=not self._slow_working)
                if place is not None:
                    break
            else:
                return  # whoever waits has all slots that it may have
            self._working += 1
            self._slow_working += place.load.slow
            self._order.begins(share, place.expected_ms)
            if not share.queue.waiting:
                del self._waiting[share]

    def _expected_wait(self, share: SlotShare, load: Load, own_ms: float) -> float:
        """Seconds until a slot is free: others come first with no more than this shop's work."""
        if load.slow or self.slots == 1:
            slots = 1
        else:
            slots = self.slots - any(one.queue.pending_ms(slow=True) for one in self._shops)
        lanes = (True,) if load.slow else (False, True) if self.slots == 1 else (False,)
        own = sum(share.queue.pending_ms(slow=slow) for slow in lanes)
        each = (own + own_ms) / share.weight
        others = 0.0
        for one in self._shops:
            if one is not share:
                pending = sum(one.queue.pending_ms(slow=slow) for slow in lanes)
                others += min(pending, each * one.weight)
        return (own + others) / slots / 1e3


class SlotShare(Share):
    """One shop's part; what its queue knows as `Turns`.

    Args:
        slots: Of the server.
        weight: Beside those of other shops.

    Attributes:
        queue: Of the shop's photos.
    """

    queue: Admission

    def __init__(self, slots: FairSlots, weight: float) -> None:
        super().__init__(weight)
        self._slots = slots

    def join(self, queue: Admission) -> None:
        """Has the shop's queue take part."""
        self.queue = queue
        self._slots._shops.append(self)

    def call(self) -> None:
        """Something waits, or does not any more, or a slot is free."""
        self._slots._heard(self)

    def ended(self, place: Place, took_ms: float) -> None:
        """A photo has given its slot back."""
        self._slots._ended(self, place, took_ms)

    def expected_wait(self, load: Load, own_ms: float) -> float:
        """Seconds until a slot is free for a photo that takes `own_ms`."""
        return self._slots._expected_wait(self, load, own_ms)
