"""One of several shops in a server: opened at its start, or once it can be."""

from __future__ import annotations

import logging
import threading
import time

from anyio import CapacityLimiter, to_thread
from starlette.middleware import Middleware

from vitrina.errors import ShopError, VitrinaError
from vitrina.folder import ShopFolder
from vitrina.photos import HeavyDecoder
from vitrina.serving.app import ShopApp
from vitrina.serving.gate import Draining
from vitrina.serving.logs import event
from vitrina.serving.many.fair_requests import FairRequests, RequestTurns
from vitrina.serving.many.fair_slots import FairSlots, SlotShare
from vitrina.serving.many.hosted import Hosted
from vitrina.serving.many.model_at_hand import ModelAtHand
from vitrina.serving.many.reckoned import Reckoned
from vitrina.serving.many.shops_file import ShopPlan
from vitrina.serving.many.warm_models import ShopModel, WarmModels
from vitrina.serving.shop_state import load_shop
from vitrina.serving.upload import SharedUploads

_RETRY_S = 5.0


class Common:
    """What the shops of one server share.

    Args:
        slots: Photos worked on at the same time.
        models_bytes: Memory for models.
        upload_bytes: Memory for photos on their way.
        heic_seconds: Longest time that decoding one HEIC or AVIF photo may take.
    """

    def __init__(
        self, *, slots: int, models_bytes: int, upload_bytes: int, heic_seconds: float
    ) -> None:
        self.slots = FairSlots(slots)
        self.requests = FairRequests()
        self.models = WarmModels(models_bytes)
        self.uploads = SharedUploads(upload_bytes)
        # one child for all: each takes as much memory as the rest of the server
        self.heavy = HeavyDecoder(seconds=heic_seconds, wait_seconds=heic_seconds)
        self.draining = Draining()


class HostedShop:
    """A shop and its application, where it could be opened.

    Args:
        plan: What is said of it.
        common: What it shares with the others.

    Attributes:
        app: Answers for it; None where it could not be opened.
        model: What it answers photos with; likewise.
        share: Its part of the slots; likewise.
        trouble: Why it could not be opened.
    """

    def __init__(self, plan: ShopPlan, common: Common) -> None:
        self.plan = plan
        self.app: ShopApp | None = None
        self.model: ShopModel | None = None
        self.share: SlotShare | None = None
        self.trouble: VitrinaError | None = None
        self._common = common
        self._opening = threading.Lock()
        self._retry_at = 0.0
        self._thread = CapacityLimiter(1)

    def open(self) -> None:
        """Opens it; what is wrong with it is its own, and is tried again when it is asked for."""
        with self._opening:
            if self.app is not None or time.monotonic() < self._retry_at:
                return
            try:
                self._open()
                self.trouble = None
            except VitrinaError as error:
                self._retry_at = time.monotonic() + _RETRY_S
                if self.trouble is None or self.trouble.message != error.message:
                    say = f"The shop {self.plan.name} cannot be opened: {error.message}"
                    event(
                        logging.ERROR,
                        "shop_refused",
                        say=say,
                        code=error.code,
                        hint=error.hint,
                        shop=self.plan.name,
                    )
                self.trouble = error

    async def application(self) -> ShopApp:
        """What answers for it.

        Raises:
            ShopError: it cannot be opened.
        """
        if self.app is None:
            await to_thread.run_sync(self.open, limiter=self._thread)
        if self.app is None:
            # why is the operator's to know
            raise ShopError(
                "The shop cannot be opened at the moment.",
                hint="Try again in a minute. The server's log says more.",
            )
        return self.app

    def _open(self) -> None:
        plan, common = self.plan, self._common
        folder = ShopFolder.find(plan.root)
        state = load_shop(folder, heavy=common.heavy, hosted_as=plan.name)
        self.model = ShopModel(plan.name, state.served, Reckoned(folder))
        self.share = common.slots.share(plan.weight)
        hosted = Hosted(
            plan.name,
            self.share,
            common.uploads,
            common.draining,
            (
                Middleware(RequestTurns, share=common.requests.share(plan.weight)),
                Middleware(ModelAtHand, models=common.models, model=self.model),
            ),
        )
        self.app = ShopApp(state, hosted)
