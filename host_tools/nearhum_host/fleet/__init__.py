"""Fleets: what many boards have learned as one prior, and what their logs say of them."""
