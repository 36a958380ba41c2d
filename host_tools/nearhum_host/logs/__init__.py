"""The log of a board: pulled, read back, followed, and made into tables."""
