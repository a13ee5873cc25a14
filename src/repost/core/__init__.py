"""What every part may use: errors, seeds and the guard for optional packages. Standard library only."""
