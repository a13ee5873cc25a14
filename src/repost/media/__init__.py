"""Pictures and the files they come in: reading, probing, and the structure of JPEG."""
