"""Channels, each by itself: what a server sees, and what nobody shall."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from channels import Hook, until
from nearhum_host.alerts.bookmarks import Bookmarks
from nearhum_host.alerts.channel import NotTold
from nearhum_host.alerts.event import SILENT, Event, of_host
from nearhum_host.alerts.lines import journal_reads
from nearhum_host.alerts.outbox import Outbox
from nearhum_host.alerts.webhook import Webhook


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.stop()


def test_a_board_that_is_silent_twice_is_told_as_two_events(hook: Hook):
    for utc in (1e9, 1e9 + 60):
        Webhook(hook.url).tell(of_host("pump", "A", SILENT, utc, "silent"))
    first, second = [headers["Idempotency-Key"] for headers in hook.headers]
    assert first != second


def test_a_login_in_the_address_is_sent_and_not_shown(hook: Hook):
    channel = Webhook(hook.url.replace("http://", "http://me:p%40ss@"))
    channel.tell(of_host("pump", "A", SILENT, 1e9, "silent"))
    assert hook.headers[0]["Authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(("code", "again"), [(302, True), (404, False), (429, True), (500, True)])
def test_only_a_refusal_for_good_is_given_up(hook: Hook, code: int, again: bool):
    hook.answers = [code]
    with pytest.raises(NotTold) as raised:
        Webhook(hook.url).tell(of_host("pump", "A", SILENT, time.time(), "silent"))
    assert raised.value.again is again


def test_a_terminal_is_not_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with (tmp_path / "out").open("w") as out:
        found = os.fstat(out.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", "8:1")  # as the desktop's own
        assert not journal_reads(out)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert journal_reads(out)


def test_a_broker_that_takes_nothing_fills_no_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paho.Client, "loop_start", lambda self: None)
    monkeypatch.setattr(paho.Client, "is_connected", lambda self: True)
    from nearhum_host.alerts.mqtt import MOST_QUEUED, Mqtt

    publish, taken = paho.Client.publish, []

    def noted(*arguments, **options):
        info = publish(*arguments, **options)
        taken.append(info.rc != paho.MQTT_ERR_QUEUE_SIZE)
        return info

    monkeypatch.setattr(paho.Client, "publish", noted)
    channel = Mqtt("mqtt://127.0.0.1:1")
    for n in range(2 * MOST_QUEUED):
        channel.show("pump", {"label": str(n)})
    assert MOST_QUEUED / 2 < sum(taken) <= MOST_QUEUED + 20 < len(taken)


def test_a_server_that_refuses_an_event_gets_the_next(tmp_path: Path, hook):
    hook.answers = [400, 503]
    kept, notes = Bookmarks(tmp_path / "told.json"), []
    outbox = Outbox(Webhook(hook.url), kept, notes.append)
    outbox.start()
    for seq, name in enumerate(("alarm", "alarm_end")):
        outbox.put(Event("pump", "port", seq, 1e9 + seq, name, name), 1)
    until(outbox.idle)
    outbox.stop()
    assert [post["seq"] for post in hook.posts] == [1]
    assert notes == [
        "webhook: 127.0.0.1 answers 400 Bad Request; NOT told: pump: alarm",
        "webhook: 127.0.0.1 answers 503 Service Unavailable; it is tried again",
        "webhook: works again",
    ]
    assert "secret" not in "".join(notes)
    assert kept.at("pump", "webhook") == (2, 1)
