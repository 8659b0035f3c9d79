"""A stand-in xAI: its realtime protocol, token endpoint and quirks, spoken with a real voice and faulty on request."""
