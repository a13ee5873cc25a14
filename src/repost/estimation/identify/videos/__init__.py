"""Which networks a video may have come from; the same questions as for images, asked of a coded stream."""
