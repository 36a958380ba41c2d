"""Alerts: what boards log as it happens, told to whoever should know.

Enters: serial lines to boards. Leaves: each event once, in order, to every channel that was asked
for (a line on stdout, a command, a webhook, an MQTT broker), and the boards' state as metrics.

    asker -> event -> outbox -> channel

An `Asker` follows one board. It hands events to the `Outbox` of each channel, which tries until the
channel has taken them. `Bookmarks` keeps on disk how far each channel has come, so that a restart
goes on where the last one ended. The board's own log is the store: while a channel is down, its
events wait there.
"""
