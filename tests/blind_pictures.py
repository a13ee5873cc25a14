"""Pictures for the blind estimator: self-made, never compressed, with the spectrum of photographs."""

import io
from functools import cache

import numpy as np
from PIL import Image


@cache
def photo_like(seed: int = 0, width_px: int = 232, height_px: int = 216) -> np.ndarray:
    """Coloured noise whose amplitude falls with frequency, an edge here and there; nowhere saturated."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height_px)[:, None], np.fft.fftfreq(width_px)[None, :])
    amplitude = 1 / np.maximum(frequency, 1 / max(width_px, height_px)) ** 1.1
    planes = []
    for _ in range(3):
        spectrum = np.fft.fft2(rng.normal(size=(height_px, width_px))) * amplitude
        plane = np.fft.ifft2(spectrum).real
        planes.append(plane / plane.std())
    shared = np.stack([planes[0] + 0.35 * plane for plane in planes], axis=-1)
    y, x = np.mgrid[:height_px, :width_px]
    edges = np.where((x + y // 2) % 97 < 40, 12.0, -12.0)[..., None]
    return np.clip(np.rint(128 + 28 * shared + edges), 8, 247).astype(np.uint8)


def encode(pixels: np.ndarray, **settings) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **settings)
    return buffer.getvalue()


def decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def shared_at(pixels: np.ndarray, quality: int, subsampling: str = "4:2:0") -> np.ndarray:
    return decode(encode(pixels, quality=quality, subsampling=subsampling))
