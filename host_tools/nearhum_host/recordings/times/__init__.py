"""Times as they are written: units by name and by size, stamps, days, and clocks that are set."""
