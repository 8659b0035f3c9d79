"""The meaning of a speech request: what is asked, what it is called, what may happen to it. No I/O."""
