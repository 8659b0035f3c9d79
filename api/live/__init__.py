"""Live audio: readings followed while they are spoken, encoded once per format, heard by any number."""
