"""Bytes of sound: PCM, its formats and the files that hold them. What is heavy is imported where it is used."""
