"""Webhook: each event as a POST of JSON to an address."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from nearhum import __version__

from ..errors import UsageError
from .channel import Channel, NotTold
from .event import Event

LONGEST_S = 20.0  # for one answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib turns a POST that is redirected into a GET, which would tell nobody."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _key(event: Event) -> str:
    """Return what names an event for ever: the host's own have no number, but a time."""
    if event.seq is not None:
        return f"{event.board}-{event.seq}"
    return f"{event.board}-{event.name}-{round(1000 * event.utc)}"


class Webhook(Channel):
    """Posts to one http or https address. Certificates are checked; SSL_CERT_FILE names one's own
    authority.
    """

    name = "webhook"

    def __init__(self, url: str) -> None:
        """Raises UsageError where url is no web address."""
        # what was typed is not shown: a password may be in it, and errors go to a service's log
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise UsageError(
                "--webhook: that is no web address", "https://host/path, or http://host/path"
            )
        login, _, place = parts.netloc.rpartition("@")  # urllib takes no login in an address
        self._url = parts._replace(netloc=place).geturl()
        self._login = {}
        if login:
            coded = base64.b64encode(unquote_to_bytes(login)).decode()
            self._login["Authorization"] = f"Basic {coded}"
        self._where = parts.hostname  # a webhook's path is often its secret: it is not shown
        self._opener = urllib.request.build_opener(_NoRedirect)

    def tell(self, event: Event) -> None:
        """Post the event. Raises NotTold; for good where the server refuses it (4xx)."""
        request = urllib.request.Request(
            self._url,
            json.dumps(event.as_json(), default=str).encode(),
            {
                "Content-Type": "application/json",
                "User-Agent": f"nearhum/{__version__}",
                "Idempotency-Key": _key(event),
                **self._login,
            },
        )
        try:
            with self._opener.open(request, timeout=LONGEST_S):
                return
        except urllib.error.HTTPError as error:
            # 408: too slow, 429: too many; any other 4xx stays as it is. 3xx may be a gateway
            # that wants a login for now
            again = not 400 <= error.code < 500 or error.code in (408, 429)
            raise NotTold(f"{self._where} answers {error.code} {error.reason}", again) from None
        except urllib.error.URLError as error:
            raise NotTold(f"{self._where} cannot be reached: {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            raise NotTold(f"{self._where} does not answer: {error}") from None
