"""What one file went through: its own tables, and earlier JPEG layers that its pixels or coefficients give away."""
