"""From a network file to records."""
