"""Forms of the merchant's screens, and what they must be to be heard.

Three things are asked of each: that it comes from a page of this very server (`Origin`), that it
holds the token which belongs to the browser's cookie, and that it is small.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from vitrina.errors import AdminRefused, QueryError
from vitrina.small_body import read_small

MOST_BYTES = 16_384
TOKEN_FIELD = "form_token"  # noqa: S105 - a field's name
_MOST_FIELDS = 20


async def read_form(request: Request) -> dict[str, str]:
    """Fields of a form; of several with one name the last.

    Raises:
        BodyTooLarge: it is larger than any of ours.
        UploadTooSlow: it takes too long to arrive.
        QueryError: it is no form.
        AdminRefused: another site's page sent it.
    """
    require_own_origin(request)
    body = await read_small(request, MOST_BYTES)
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise QueryError("The form cannot be read.", hint="Open the page again.") from error
    return dict(fields)


def require_own_origin(request: Request) -> None:
    """Makes sure that a page of this server sent a request.

    Browsers say so in `Origin`; one that does not is believed if `Sec-Fetch-Site` says it.

    Raises:
        AdminRefused: another site's page did, or nobody says which.
    """
    origin = request.headers.get("origin")
    if origin is None:
        own = request.headers.get("sec-fetch-site") == "same-origin"
    else:
        host = request.headers.get("host", "")
        try:
            sent = urlsplit(origin)
            # a proxy may pass the host on without its port
            own = bool(host) and (sent.netloc if ":" in host else sent.hostname) == host.lower()
        except ValueError:
            own = False
    if not own:
        raise AdminRefused(
            "This form was sent by another site's page.",
            hint="Open the merchant's screens themselves and do it there.",
        )
