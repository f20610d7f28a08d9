"""The report page: a campaign's facts, and one HTML file that shows them without a network."""
