"""The serial line to a board: ports, the console, the raw REPL, and harmless text."""
