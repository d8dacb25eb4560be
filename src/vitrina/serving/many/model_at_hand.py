"""A photo has its shop's model loaded where it is cold."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from vitrina.errors import VitrinaError
from vitrina.serving import problems
from vitrina.serving.gate import PHOTO_ROUTE
from vitrina.serving.many.warm_models import ShopModel, WarmModels


class ModelAtHand:
    """Middleware: photos wait for their model; all else needs none.

    Args:
        app: What answers.
        models: Of all shops.
        model: Of this one.
    """

    def __init__(self, app: ASGIApp, models: WarmModels, model: ShopModel) -> None:
        self._app = app
        self._models = models
        self._model = model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == PHOTO_ROUTE:
            try:
                await self._models.require(self._model)
            except VitrinaError as error:
                await problems.answer_to(error, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)
