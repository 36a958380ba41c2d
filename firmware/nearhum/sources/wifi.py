"""Wi-Fi as a sensor: the access point's signal strength, and the time between packets.

Enters: readings of the radio. Leaves: int16 frames of one or two channels.

source = {"driver": "wifi", "port": 5005} with kind = "radio", n_subcarriers = 0 and rate_hz up to
100. n_channels:
1  signal strength: 640 counts a dB, 0 at -65 dBm
2  the same, and the time between the last two UDP packets that came to `port`: 16 counts a
   millisecond, at most 2047 ms. Only this opens the port.

The board must already be connected: boot.py does that, and the password stays there. The signal
strength is read once a period, by polling. If the board comes more than one period too late, the
last value is repeated: `late` counts those samples. Four or more in a row are a gap.
"""

import time

import network

from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE

_CENTRE_DBM = -65  # 0 counts
_PER_DB = 640  # counts: int16 covers -116 to -14 dBm
_PER_MS = 16  # counts: int16 covers 2047 ms
_HELD = 3  # most samples that repeat one reading, more are a gap


class Source:
    """Reads the radio once a sample period."""

    cue = ""
    unit = "dB"
    counts = _PER_DB

    def plan(self, config, given):
        if config["n_channels"] not in (1, 2) or config["n_subcarriers"]:
            raise ConfigError(
                "n_channels = %d" % config["n_channels"], "1 or 2, with n_subcarriers = 0"
            )
        if config["rate_hz"] > 100:
            raise ConfigError("rate_hz = %s for Wi-Fi" % config["rate_hz"], "at most 100")
        return given["port"] if config["n_channels"] == 2 else given.get("port")

    def __init__(self, config):
        port = self.plan(config, config["source"])
        self._n = config["n_channels"]
        self._period_us = int(1000000 / config["rate_hz"])
        self._wlan = network.WLAN(network.STA_IF)
        if not self._wlan.isconnected():
            raise SourceError(
                "Wi-Fi is not connected",
                "connect in boot.py: network.WLAN().connect(name, password)",
            )
        self._socket = None
        self._between = 0
        self._packet = bytearray(1)
        if self._n == 2:
            import socket

            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(socket.getaddrinfo("0.0.0.0", port)[0][-1])
            self._socket.setblocking(False)
        self.late = 0
        self._packet_ms = time.ticks_ms()
        self._due_us = time.ticks_us()

    def _listen(self):
        # Measures the time between the last two packets. Their contents are ignored.
        for _ in range(16):
            try:
                if not self._socket.readinto(self._packet):
                    return  # None: no packet has come.
            except OSError:
                return
            now = time.ticks_ms()
            self._between = min(32767, time.ticks_diff(now, self._packet_ms) * _PER_MS)
            self._packet_ms = now

    def read_into(self, block):
        """Fill block, array('h'), with one frame, or with repeated ones if the board was late.

        Returns their number, NONE, or GAP if more than _HELD would be repeated.
        """
        if self._socket:
            self._listen()
        behind = time.ticks_diff(time.ticks_us(), self._due_us)
        if behind < 0:
            return NONE
        n = 1 + behind // self._period_us
        self._due_us = time.ticks_add(self._due_us, n * self._period_us)
        self.late += n - 1
        if n > _HELD + 1:
            return GAP
        dbm = self._wlan.status("rssi")
        value = max(-32768, min(32767, (dbm - _CENTRE_DBM) * _PER_DB))
        for i in range(n):
            block[i * self._n] = value
            if self._n == 2:
                block[i * 2 + 1] = self._between
        return n

    def close(self):
        """Close the port. The connection stays, because boot.py made it."""
        if self._socket:
            self._socket.close()
