"""Test the Wi-Fi source: signal strength, and the time between packets."""

import fake_machine
from fake_machine import BLOCK, Clock, config
from harness import done, equal, raises, test, test_of


class Wlan:
    connected, dbm = True, -70

    def __init__(self, which):
        pass

    def isconnected(self):
        return self.connected

    def status(self, what):
        assert what == "rssi"
        return self.dbm


class Network:
    WLAN, STA_IF = Wlan, 0


fake_machine.stand_in(network=Network)
from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE, wifi

fake_machine.give_back()
wifi.time = Clock


@test
def signal_strength_comes_at_its_pace():
    source = wifi.Source(config(10, driver="wifi"))
    equal(source.read_into(BLOCK), 1)
    equal(BLOCK[0], -5 * 640)
    equal(source.read_into(BLOCK), NONE)
    Wlan.dbm = -20
    Clock.us += 100000
    equal((source.read_into(BLOCK), BLOCK[0]), (1, 45 * 640))
    Wlan.dbm = -120
    Clock.us += 250000  # late: held
    equal((source.read_into(BLOCK), BLOCK[0], BLOCK[1], source.late), (2, -32768, -32768, 1))
    Clock.us += 900000
    equal(source.read_into(BLOCK), GAP)
    source.close()


@test_of("socket")
def time_between_packets_is_the_second_channel():
    import socket

    source = wifi.Source(config(10, 2, driver="wifi", port=55005))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to = socket.getaddrinfo("127.0.0.1", 55005)[0][-1]
    source.read_into(BLOCK)
    for _ in range(2):
        Clock.us += 50000
        sender.sendto(b"hello", to)
        source.read_into(BLOCK)
    Clock.us += 100000
    equal((source.read_into(BLOCK) > 0, BLOCK[1]), (True, 50 * 16))
    source.close()
    sender.close()


@test
def wifi_that_is_not_connected_is_told():
    Wlan.connected = False
    error = raises(SourceError, wifi.Source, config(10, driver="wifi"))
    equal("boot.py" in error.hint, True)
    Wlan.connected = True
    raises(ConfigError, wifi.Source, config(10, 3, driver="wifi"))
    raises(ConfigError, wifi.Source, config(1000, driver="wifi"))


done()
