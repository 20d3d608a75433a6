"""Engines: compile the pipeline, and run it where the user wants it."""
