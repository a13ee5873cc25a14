"""Video files: what their headers say, how their frames were coded, and the frames themselves."""
