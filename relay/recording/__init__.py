"""Recordings of live sessions: both sides as one two-channel WAV, with the transcript beside it."""
