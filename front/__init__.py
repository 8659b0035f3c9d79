"""What every HTTP front has in common: who may call, from which pages, and what errors look like."""
