"""Pages, pictures and words for people: the report of a log, its charts, the live view."""
