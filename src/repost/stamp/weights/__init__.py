"""The models that are shipped."""

RELEASED: dict[str, str] = {
    "rs_aug": "b448ab0e4a16d4c50f449977b4ca89b968bfc41a1a227ad13e8dc29568902f72",
}
"""SHA-256 of the facts of every released model, which hold those of its networks."""
