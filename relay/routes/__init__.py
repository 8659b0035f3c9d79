"""The calls, one noun per file."""
