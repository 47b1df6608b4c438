"""From blocks to the datasets of a network file."""
