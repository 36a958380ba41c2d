"""Wi-Fi as a sensor: the strength of the access point's signal, and the pace at which packets come.

source = {"driver": "wifi", "port": 5005}; kind = "radio", n_subcarriers = 0, rate_hz up to 100
n_channels 1: that strength, 640 counts a dB around -65 dBm. 2: and the time between the last two
UDP packets that came to `port` (which opens that port; without it nothing listens), 16 counts a
millisecond, 2047 ms at most. The board must be on the network already: boot.py connects it, with a
password that stays there. The strength is read at the pace of the clock, by polling: `late` counts
samples that were held because the board came more than one period too late; four or more are a gap.
"""

import time

import network

from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE

_CENTRE_DBM = -65
_PER_DB = 640
_PER_MS = 16
_HELD = 3  # samples


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
        # how far apart the last two packets came; nothing of them is looked at
        for _ in range(16):
            try:
                if not self._socket.readinto(self._packet):
                    return  # None: nothing has come
            except OSError:
                return
            now = time.ticks_ms()
            self._between = min(32767, time.ticks_diff(now, self._packet_ms) * _PER_MS)
            self._packet_ms = now

    def read_into(self, block):
        """Fill block, array('h'), with a frame, more where the board was late.

        Returns how many, NONE, or GAP.
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
        """Stop listening. The connection is not ours."""
        if self._socket:
            self._socket.close()
