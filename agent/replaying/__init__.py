"""A campaign again from its record: compared with today's code, or gone through once more."""
