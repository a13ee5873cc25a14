"""What a network does to a video, done exactly: decode, filter, encode and mux, one frame at a time."""
