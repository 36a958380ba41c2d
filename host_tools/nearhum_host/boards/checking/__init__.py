"""The check of a whole configuration before a board has it, by the firmware's own code."""
