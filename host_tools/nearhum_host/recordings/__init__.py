"""Recordings: read, captured from a board, and written as the firmware replays them."""
