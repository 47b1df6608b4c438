"""From records to blocks and their variables."""
