"""MQTT: events, state and presence of each board on a broker, and Home Assistant's discovery.

Topics, below the path of the address (`nearhum` without one):

    BASE/BOARD/event          each event as JSON, QoS 1, not retained
    BASE/BOARD/alarm          the last alarm's event, retained
    BASE/BOARD/state          score, threshold, alarm, state, label, fault as JSON, retained
    BASE/BOARD/availability   online, offline (the board does not answer), retained
    BASE/bridge/HOST          online; offline once this program is gone (the last will), retained

Nothing is subscribed to: nobody on the broker can say anything to a board.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ..errors import UsageError
from .channel import Channel, NotTold
from .event import ANSWERS, SILENT, Event, octaves
from .home_assistant import discovery

PASSWORD_VARIABLE = "NEARHUM_MQTT_PASSWORD"
MOST_QUEUED = 200  # messages
TAKEN_S = 10.0  # for the broker to take one message
STATE_EVERY_S = 10.0  # score and threshold; an alarm's turn is shown at once
_WRONG = "mqtt://[user@]host[:1883][/topic], or mqtts:// with TLS"


class Mqtt(Channel):
    """Publishes to one broker, and stays connected. Certificates are checked; SSL_CERT_FILE names
    one's own authority.
    """

    name = "mqtt"

    def __init__(self, url: str) -> None:
        """url: mqtt:// or mqtts://, user and password in it, or the password in the environment.

        Raises UsageError where url is no such address.
        """
        # what was typed is not shown: a password may be in it, and errors go to a service's log
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UsageError("--mqtt: the port is no number", _WRONG) from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise UsageError("--mqtt: that is no MQTT address", _WRONG)
        self._base = unquote(parts.path).strip("/") or "nearhum"
        if re.search(r"[#+\0]", self._base):
            raise UsageError("--mqtt: a topic has no wildcards", _WRONG)
        host = re.sub(r"[^\w.-]", "_", socket.gethostname())
        self._bridge = f"{self._base}/bridge/{host}"
        self._where = parts.hostname
        self._lock = threading.Lock()
        self._waiting: tuple[Event, list[paho.MQTTMessageInfo]] | None = None
        self._shown: dict[str, tuple[float, dict[str, Any]]] = {}
        self._found: set[str] = set()
        self._refused = ""
        self._client = paho.Client(CallbackAPIVersion.VERSION2, f"nearhum-{host}-{os.getpid()}")
        if parts.username:
            password = os.environ.get(PASSWORD_VARIABLE)
            if parts.password:
                password = unquote(parts.password)
            self._client.username_pw_set(unquote(parts.username), password)
        if parts.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context())
        self._client.will_set(self._bridge, "offline", qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.reconnect_delay_set(1, 60)
        # for a broker that stays connected and takes nothing; events wait in the outbox
        self._client.max_queued_messages_set(MOST_QUEUED)
        self._client.connect_async(
            parts.hostname, port or (8883 if parts.scheme == "mqtts" else 1883)
        )
        self._client.loop_start()

    def _connected(self, client: Any, userdata: Any, flags: Any, code: Any, _: Any) -> None:
        self._refused = str(code) if code.is_failure else ""
        if not code.is_failure:
            client.publish(self._bridge, "online", qos=1, retain=True)
            with self._lock:  # a broker that has lost what it retained gets all of it again
                self._found.clear()
                self._shown.clear()

    def tell(self, event: Event) -> None:
        """Publish the event; returns once the broker has taken it. Raises NotTold."""
        if not self._client.is_connected():
            why = f"refuses: {self._refused}" if self._refused else "cannot be reached"
            raise NotTold(f"the broker {self._where} {why}")
        if self._waiting is None or self._waiting[0] is not event:
            self._waiting = event, self._publish(event)
        end = time.monotonic() + TAKEN_S
        for info in self._waiting[1]:  # a message that was sent once is sent again by the client
            try:
                info.wait_for_publish(max(0.0, end - time.monotonic()))
            except (RuntimeError, ValueError):
                self._waiting = None
                raise NotTold(f"the broker {self._where} went away") from None
            if not info.is_published():
                raise NotTold(f"the broker {self._where} does not answer")
        self._waiting = None

    def _publish(self, event: Event) -> list[paho.MQTTMessageInfo]:
        # a board that never answered has its port's name
        base = f"{self._base}/{re.sub(r'[#+]', '_', event.board).strip('/')}"
        text = json.dumps(event.as_json(), default=str)
        sent = [self._client.publish(f"{base}/event", text, qos=1)]
        if event.name == "alarm":
            sent.append(self._client.publish(f"{base}/alarm", text, qos=1, retain=True))
        if event.name in (SILENT, ANSWERS):
            there = "offline" if event.name == SILENT else "online"
            sent.append(self._client.publish(f"{base}/availability", there, qos=1, retain=True))
        return sent

    def show(self, board: str, status: dict[str, Any]) -> None:
        """Publish what a board does now, where that is news."""
        if not self._client.is_connected():
            return
        base, now = f"{self._base}/{board}", time.monotonic()
        with self._lock:
            if board not in self._found:
                self._found.add(board)
                topic, payload = discovery(
                    board, base, self._bridge, str(status.get("version") or "")
                )
                self._client.publish(topic, json.dumps(payload), qos=1, retain=True)
                self._client.publish(f"{base}/availability", "online", qos=1, retain=True)
            state = state_of(status)
            at, before = self._shown.get(board, (-STATE_EVERY_S, {}))
            turned = any(state[key] != before.get(key) for key in ("alarm", "state", "label"))
            if turned or now - at >= STATE_EVERY_S:
                self._shown[board] = now, state
                self._client.publish(f"{base}/state", json.dumps(state), qos=1, retain=True)

    def close(self) -> None:
        """Say that this program is gone, and leave the broker."""
        if self._client.is_connected():
            last = self._client.publish(self._bridge, "offline", qos=1, retain=True)
            with suppress(RuntimeError, ValueError):  # the broker went first: its last will says it
                last.wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()


def state_of(status: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of a board's status: scores in octaves, an alarm as ON or OFF."""
    return {
        "score": octaves(status.get("score")),
        "threshold": octaves(status.get("threshold")),
        "alarm": "ON" if status.get("alarm") else "OFF",
        "state": status.get("state"),
        "label": status.get("label"),
        "fault": status.get("fault"),
    }
