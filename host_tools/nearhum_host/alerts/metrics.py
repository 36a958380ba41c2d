"""Metrics: what boards do now, for Prometheus to scrape.

Enters: the boards' status. Leaves: /metrics over HTTP, on this machine alone unless another address
is named. Prometheus alerts on `nearhum_alarm`, and on `nearhum_up` for a board that is silent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from nearhum import wire
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ..errors import HostError, UsageError
from .channel import Channel
from .event import Event

STALE_S = 30.0  # after its last answer a board counts as down
_GAUGES = (
    ("nearhum_score_octaves", "Score of the last window, higher is stranger", "score"),
    ("nearhum_threshold_octaves", "Score above which a window is strange", "threshold"),
    ("nearhum_alarm", "1 during an alarm", "alarm"),
    ("nearhum_sensor_faults", "Faults of the sensor in a row", "faults"),
    ("nearhum_memory_free_bytes", "Heap that is free on the board", "mem_free"),
)
_COUNTERS = (
    ("nearhum_windows", "Windows scored since the board's start", "n_windows"),
    ("nearhum_gaps", "Times that samples were lost since the board's start", "gaps"),
)
_OCTAVES = ("score", "threshold")


class Metrics(Channel):
    """Serves /metrics; a channel that shows status, and tells no events."""

    name = "prometheus"
    tries = 1

    def __init__(self, where: str) -> None:
        """where: ":9477" for this machine alone, "0.0.0.0:9477" for all that can reach it.

        Raises UsageError where that is no address, HostError where it cannot be had.
        """
        host, _, port = where.rpartition(":")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise UsageError(
                f"--prometheus {where!r} is no address", ":9477, or 0.0.0.0:9477 for the network"
            )
        self._seen: dict[str, tuple[float, dict[str, Any]]] = {}
        registry = CollectorRegistry()
        registry.register(self)  # type: ignore[arg-type]
        try:
            self._server, self._thread = start_http_server(int(port), host or "127.0.0.1", registry)
        except OSError as error:
            raise HostError(
                f"cannot listen on {host or '127.0.0.1'}:{port}: {error.strerror}",
                "name another port",
            ) from None

    def show(self, board: str, status: dict[str, Any]) -> None:
        """Take what a board's status says now."""
        self._seen[board] = time.monotonic(), status

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; prometheus_client asks for them at each scrape."""
        now, seen = time.monotonic(), dict(self._seen)
        up = GaugeMetricFamily("nearhum_up", "1 while the board answers", labels=["board"])
        for board, (at, _) in seen.items():
            up.add_metric([board], float(now - at < STALE_S))
        yield up
        for family, rows in ((GaugeMetricFamily, _GAUGES), (CounterMetricFamily, _COUNTERS)):
            for name, help_text, key in rows:
                metric = family(name, help_text, labels=["board"])
                for board, (at, status) in seen.items():
                    value = status.get(key)
                    if isinstance(value, int | float) and now - at < STALE_S:
                        one = wire.SCORE_ONE if key in _OCTAVES else 1
                        metric.add_metric([board], value / one)
                yield metric

    def tell(self, event: Event) -> None:
        """Do nothing: Prometheus reads the state, not events."""

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join(timeout=5)
