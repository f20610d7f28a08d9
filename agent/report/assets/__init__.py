"""What the page is made of besides facts: its shell, its style and its scripts."""
