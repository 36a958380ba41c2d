"""Receivers for the tests of `nearhum follow`: a real MQTT broker, and a web server that keeps
posts.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import trustme
from amqtt.broker import Broker as AmqttBroker
from paho.mqtt.enums import CallbackAPIVersion


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Broker:
    """amqtt in a thread of its own, and a client that has subscribed to everything."""

    def __init__(self, folder: Path, tls: bool, port: int = 0) -> None:
        self.port = port or free_port()
        self.messages: list[tuple[str, Any, bool]] = []
        listener: dict[str, Any] = {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}
        self.authority = folder / "authority.pem"
        if tls:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(self.authority)
            own = authority.issue_cert("localhost")
            own.private_key_and_cert_chain_pem.write_to_path(folder / "broker.pem")
            listener |= {
                "ssl": True,
                "certfile": str(folder / "broker.pem"),
                "keyfile": str(folder / "broker.pem"),
            }
        self._config = {
            "listeners": {"default": listener},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}},
        }
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._wait(self._start())
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        if tls:
            self._client.tls_set(str(self.authority))
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_message = lambda *found: self._take(found[-1])
        self._client.connect("localhost" if tls else "127.0.0.1", self.port)
        self._client.loop_start()

    async def _start(self) -> None:
        self._broker = AmqttBroker(self._config, loop=self._loop)
        await self._broker.start()

    def _wait(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(20)

    def _take(self, message: Any) -> None:
        try:
            what = json.loads(message.payload)
        except ValueError:
            what = message.payload.decode()
        self.messages.append((message.topic, what, message.retain))

    def on(self, ending: str) -> list[Any]:
        """Return the payloads of topics with that ending, in order."""
        return [what for topic, what, _ in self.messages if topic.endswith(ending)]

    @property
    def url(self) -> str:
        return f"mqtts://localhost:{self.port}" if self._tls else f"mqtt://127.0.0.1:{self.port}"

    def stop(self) -> None:
        if self._loop.is_closed() or not self._loop.is_running():
            return  # A test stopped it on purpose.
        self._client.disconnect()
        self._client.loop_stop()
        self._wait(self._broker.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)


class Hook:
    """A web server. posts: JSON that was accepted. answers: status codes to give first.

    headers: of each post.
    """

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.headers: list[dict[str, str]] = []
        self.n_asked = 0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.n_asked += 1
                hook.headers.append(dict(self.headers))
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = hook.answers.pop(0) if hook.answers else 204
                if code == 204:
                    hook.posts.append(json.loads(body))
                self.send_response(code)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/secret"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()


def until(holds: Callable[[], Any], seconds: float = 60, what: str = "it did not come") -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)
