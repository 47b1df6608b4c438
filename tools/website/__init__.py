"""The documentation as a web site: its pages put together, and built by Sphinx."""
