"""The evaluator: is a kernel correct, and how fast is it."""
