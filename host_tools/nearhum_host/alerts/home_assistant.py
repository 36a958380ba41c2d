"""Home Assistant: the message by which it finds a board on an MQTT broker.

Enters: a board's name and topics. Leaves: the topic and payload of device discovery, as
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload describes it.
"""

from __future__ import annotations

import re
from typing import Any

from nearhum import __version__


def discovery(board: str, base: str, bridge: str, version: str) -> tuple[str, dict[str, Any]]:
    """Return (topic, payload), to be retained.

    base: of the board's topics; bridge: topic that says whether nearhum itself is there; version:
    of the firmware.
    """
    unique = "nearhum_" + re.sub(r"[^a-zA-Z0-9_-]", "_", board)
    state = f"{base}/state"

    def entity(platform: str, key: str, name: str, **more: Any) -> dict[str, Any]:
        template = f"{{{{ value_json.{key} }}}}"
        return {
            "platform": platform,
            "unique_id": f"{unique}_{key}",
            "name": name,
            "state_topic": state,
            "value_template": template,
            **more,
        }

    octaves = {"unit_of_measurement": "octaves", "state_class": "measurement"}
    diagnostic = {"entity_category": "diagnostic"}
    parts = {
        "alarm": entity(
            "binary_sensor",
            "alarm",
            "Alarm",
            device_class="problem",
            payload_on="ON",
            payload_off="OFF",
        ),
        "score": entity("sensor", "score", "Score", **octaves),
        "threshold": entity("sensor", "threshold", "Threshold", **octaves, **diagnostic),
        "state": entity("sensor", "state", "State", **diagnostic),
        "label": entity("sensor", "label", "Label"),
        "fault": entity("sensor", "fault", "Sensor fault", **diagnostic),
        "strangest": {
            "platform": "sensor",
            "unique_id": f"{unique}_strangest",
            "name": "Strangest",
            "state_topic": f"{base}/alarm",
            "value_template": "{{ (value_json.strangest or [{}])[0].feature }}",
            "json_attributes_topic": f"{base}/alarm",
        },
    }
    return f"homeassistant/device/{unique}/config", {
        "device": {
            "identifiers": [unique],
            "name": board,
            "manufacturer": "nearhum",
            "sw_version": version,
        },
        "origin": {"name": "nearhum", "sw_version": __version__},
        "components": parts,
        "availability": [{"topic": bridge}, {"topic": f"{base}/availability"}],
        "availability_mode": "all",
        "qos": 1,
    }
