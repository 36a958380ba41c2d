"""Webhook: each event as a POST of JSON to an address."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from nearhum import __version__

from ..errors import UsageError
from .event import Event
from .outbox import NotTold

LONGEST_S = 20.0  # for one answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib turns a POST that is redirected into a GET, which would tell nobody."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Webhook:
    """Posts to one http or https address. Certificates are checked; SSL_CERT_FILE names one's own
    authority.
    """

    name = "webhook"
    tries: int | None = None

    def __init__(self, url: str) -> None:
        """Raises UsageError where url is no web address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"--webhook {url!r} is no web address", "https://host/path, or http://host/path"
            )
        self._url = url
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
                "Idempotency-Key": f"{event.board}-{event.seq}",
            },
        )
        try:
            with self._opener.open(request, timeout=LONGEST_S):
                return
        except urllib.error.HTTPError as error:
            # 408: too slow, 429: too many; anything else below 500 stays as it is
            again = error.code >= 500 or error.code in (408, 429)
            raise NotTold(f"{self._where} answers {error.code} {error.reason}", again) from None
        except urllib.error.URLError as error:
            raise NotTold(f"{self._where} cannot be reached: {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            raise NotTold(f"{self._where} does not answer: {error}") from None

    def show(self, board: str, status: dict[str, Any]) -> None:
        """A status is no event."""

    def close(self) -> None:
        """Nothing is held."""
