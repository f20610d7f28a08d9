"""Views of a record: pure functions from data to text."""
