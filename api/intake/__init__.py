"""The way of a batch in: from an upload to lines that are checked, named and packed."""
