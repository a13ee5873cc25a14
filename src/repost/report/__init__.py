"""The only place that draws: tables for the terminal, and web pages that open from disk."""
