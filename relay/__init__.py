"""Live voice: browsers talk with the upstream through us."""
