"""Suppression, forms of boxes and annotations, by lava-dl's names."""
