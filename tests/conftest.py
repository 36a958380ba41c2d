"""Put this folder on the path of the tests, which share `reference`, `contract` and `device`."""
