"""Find, check and build MicroPython images, and write them to a board."""
