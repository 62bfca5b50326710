"""Open the doors: HTTP, pages and the command line."""
