"""What the recipes reach, and what matters in them: ``python -m benchmarks.recipes``."""
