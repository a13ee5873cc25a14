"""Collect pairs: sheets to upload, downloads to recover, the paired dataset to load."""
