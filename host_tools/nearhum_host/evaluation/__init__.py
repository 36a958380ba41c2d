"""Run the firmware on recordings, and compute how well it does and how certain that is."""
