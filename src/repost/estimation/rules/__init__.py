"""From pairs to rules, for images and videos alike: where the treatment changes, and what a group does to sizes."""
