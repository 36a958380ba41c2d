"""Pull a board's log, read it, follow the board, and turn logs into tables."""
