"""Every task's seed and best known kernel against PyTorch: what is asked, what came of it, and the figures."""
