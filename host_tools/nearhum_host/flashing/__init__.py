"""MicroPython images, and the ways they come onto a board."""
