"""Read times: units by name and by size, stamps, days, and clocks that were changed."""
