"""MesoNet by numpy alone, and .h5 files as Keras 2 writes them: what the networks are held against."""

from pathlib import Path

import h5py
import numpy as np

MESO4 = ((3, 3, 3, 8), (5, 5, 8, 8), (5, 5, 8, 16), (5, 5, 16, 16))
INCEPTION = tuple(
    shape
    for inputs, (a, b, c, d) in ((3, (1, 4, 4, 2)), (11, (2, 4, 4, 2)))
    for shape in (
        (1, 1, inputs, a), (1, 1, inputs, b), (3, 3, b, b), (1, 1, inputs, c), (3, 3, c, c), (1, 1, inputs, d),
        (3, 3, d, d),
    )
)  # fmt: skip
SHAPES = {
    "meso4": (MESO4, (8, 8, 16, 16)),
    "mesoinception4": ((*INCEPTION, (5, 5, 12, 16), (5, 5, 16, 16)), (11, 12, 16, 16)),
}
DENSE = ((1024, 16), (16, 1))


def random_layers(network: str, seed: int, *, negative: bool = False) -> dict[str, dict[str, np.ndarray]]:
    """By layer and variable, as a Keras file has them."""
    draw = np.random.default_rng(seed)
    convs, norms = SHAPES[network]
    layers = {}
    for number, shape in enumerate(convs, 1):
        spread = np.sqrt(2 / np.prod(shape[:3]))
        layers[f"conv2d_{number}"] = {
            "kernel:0": draw.normal(0, spread, shape),
            "bias:0": draw.normal(0, 0.1, shape[3]),
        }
    for number, count in enumerate(norms, 1):
        layers[f"batch_normalization_{number}"] = {
            "gamma:0": draw.uniform(-1 if negative else 0.5, 1.5, count), "beta:0": draw.normal(0, 0.3, count),
            "moving_mean:0": draw.normal(0.3, 0.1, count), "moving_variance:0": draw.uniform(0.2, 1, count),
        }  # fmt: skip
    for number, shape in enumerate(DENSE, 1):
        layers[f"dense_{number}"] = {"kernel:0": draw.normal(0, 0.1, shape), "bias:0": draw.normal(0, 0.1, shape[1])}
    return {name: {key: value.astype(np.float32) for key, value in layer.items()} for name, layer in layers.items()}


def write_h5(path: Path, layers: dict[str, dict[str, np.ndarray]], *, first: int = 1, inside: str = "") -> Path:
    """A file in the layout of Keras 2; `first` is the number its layers begin with."""
    with h5py.File(path, "w") as file:
        root = file.create_group(inside) if inside else file
        for name, layer in layers.items():
            kind, _, number = name.rpartition("_")
            renamed = f"{kind}_{int(number) + first - 1}"
            root.attrs["layer_names"] = [renamed.encode()]
            for variable, values in layer.items():
                root[f"{renamed}/{renamed}/{variable}"] = values
    return path


def read_h5(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """The layers of a file by their published names, numbered from 1, whatever number they begin with."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    with h5py.File(path, "r") as file:
        names = sorted(file, key=lambda name: int(name.rpartition("_")[2]) if name[-1].isdigit() else 0)
        counts: dict[str, int] = {}
        for name in names:
            if not len(file[name]):
                continue
            kind = name.rpartition("_")[0]
            counts[kind] = counts.get(kind, 0) + 1
            layers[f"{kind}_{counts[kind]}"] = {key: np.asarray(value) for key, value in file[name][name].items()}
    return layers


def p_real(layers: dict[str, dict[str, np.ndarray]], face: np.ndarray) -> float:
    """The sigmoid that Keras would give, in float64.

    Args:
        layers: As `read_h5` gives them.
        face: float (256, 256, 3) in [0, 1].
    """
    features = np.asarray(face, np.float64)
    if "conv2d_16" in layers:
        for block in (0, 1):
            features = _inception(layers, features, 7 * block)
            features = _pool(_norm(layers[f"batch_normalization_{block + 1}"], features), 2)
        tail = ((15, 3, 2), (16, 4, 4))
    else:
        tail = ((1, 1, 2), (2, 2, 2), (3, 3, 2), (4, 4, 4))
    for conv, norm, pool in tail:
        features = np.maximum(_conv(layers[f"conv2d_{conv}"], features), 0)
        features = _pool(_norm(layers[f"batch_normalization_{norm}"], features), pool)
    hidden = features.reshape(-1) @ layers["dense_1"]["kernel:0"] + layers["dense_1"]["bias:0"]
    hidden = np.where(hidden > 0, hidden, 0.1 * hidden)
    logit = float((hidden @ layers["dense_2"]["kernel:0"] + layers["dense_2"]["bias:0"])[0])
    return float(1 / (1 + np.exp(-logit)))


def _inception(layers: dict[str, dict[str, np.ndarray]], features: np.ndarray, skip: int) -> np.ndarray:
    def conv(number: int, given: np.ndarray, dilation: int = 1) -> np.ndarray:
        return np.maximum(_conv(layers[f"conv2d_{skip + number}"], given, dilation), 0)

    branches = [conv(1, features)]
    for number, dilation in ((2, 1), (4, 2), (6, 3)):
        branches.append(conv(number + 1, conv(number, features), dilation))
    return np.concatenate(branches, axis=-1)


def _conv(layer: dict[str, np.ndarray], features: np.ndarray, dilation: int = 1) -> np.ndarray:
    """Correlation with zeros around, as `padding="same"` has it."""
    kernel = layer["kernel:0"].astype(np.float64)
    rows, columns = kernel.shape[:2]
    pad = dilation * (rows // 2)
    padded = np.pad(features, ((pad, pad), (pad, pad), (0, 0)))
    height, width = features.shape[:2]
    total = np.zeros((height, width, kernel.shape[3])) + layer["bias:0"]
    for row in range(rows):
        for column in range(columns):
            top, left = row * dilation, column * dilation
            total += padded[top : top + height, left : left + width] @ kernel[row, column]
    return total


def _norm(layer: dict[str, np.ndarray], features: np.ndarray) -> np.ndarray:
    spread = np.sqrt(layer["moving_variance:0"].astype(np.float64) + 1e-3)
    return (features - layer["moving_mean:0"]) / spread * layer["gamma:0"] + layer["beta:0"]


def _pool(features: np.ndarray, side: int) -> np.ndarray:
    height, width, count = features.shape
    return features.reshape(height // side, side, width // side, side, count).max(axis=(1, 3))
