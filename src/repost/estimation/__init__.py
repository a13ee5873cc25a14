"""Learn a platform from pairs; read the compression history of one file; name the networks it may come from."""
