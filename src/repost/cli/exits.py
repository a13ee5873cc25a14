"""Exit codes."""

EXIT_NEGATIVE = 1
"""An honest negative: the question was answered with no."""
EXIT_USAGE = 2
EXIT_MISSING = 3
"""A missing extra or tool."""
EXIT_FAILED = 4
"""Some inputs failed; each was named."""
EXIT_INTERRUPTED = 130
