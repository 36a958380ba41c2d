"""What people look at: the report, its charts and words, the live view."""
