"""Run one piece of work over many items."""
