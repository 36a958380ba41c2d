"""Faults, each at every stage in which it can occur. `make test-faults` injects all of them."""
