"""Read tables of samples as typed columns, and find out which are times, labels or samples."""
