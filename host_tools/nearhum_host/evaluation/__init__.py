"""Figures: what the firmware tells on recordings, and how far to trust them."""
