"""The upstream: xAI's realtime voice protocol, the socket that carries it, and the sessions that are kept open."""
