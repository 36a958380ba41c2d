"""Faults, each at every stage that it can hit: `make test-faults` injects all of them and
prints one table.
"""
