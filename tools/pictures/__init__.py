"""The pictures of the pages in `docs` and of the README, drawn anew."""
