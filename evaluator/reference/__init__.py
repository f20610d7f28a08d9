"""What is right: a task's reference, its inputs and exact answers, and whether it may judge anyone."""
