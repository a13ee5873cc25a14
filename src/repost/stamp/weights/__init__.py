"""The models that are shipped."""

RELEASED: dict[str, str] = {
    "rs_aug": "efce807edbb94327bf07b3e7ca8ecf79ae297818d30bdb4e515ad29560ddc537",
}
"""SHA-256 of the facts of every released model, which hold those of its networks."""
