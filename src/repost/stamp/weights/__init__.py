"""The models that are shipped."""

RELEASED: dict[str, str] = {
    "rs_aug": "0b00ee8718c685f4ac5d34a40658ca51870b25861f84b5e199c754c5e68af0e2",
}
"""SHA-256 of the facts of every released model, which hold those of its networks."""
