"""How near the emulation comes to what networks really served, pair by pair.

    python benchmarks/fidelity.py [--shared DIR] [--json FILE] [--pair PROFILE UPLOADED SERVED ...]

Columns: PSNR of the upload against the served file (resampled with Lanczos where the sizes differ), PSNR and share of
exactly equal pixels of the emulated file against the served one, and the same of a peer: the upload saved once by
Pillow with the served file's own tables, subsampling and scans, which knows the settings but neither the decoder, the
kernel nor the quantiser. Regions a profile leaves out (watermarks) are left out. The pairs are those the settings were
read from or measured on before: there are no others.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from environment import environment, print_environment
from repost.channel import emulate
from repost.core.errors import RepostError, UsageError
from repost.media.read import read_picture
from repost.metrics import exact_share, psnr_db
from tables import print_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARED = Path(__file__).resolve().parents[2] / "shared"
STEGO = "stego_grad_project"
CHAIN = "socialmediachain/samples"
PAIRS = (
    ("twitter/avatar@2023", f"{STEGO}/Twitter/Avatar/High.jpg", f"{STEGO}/Twitter/Avatar/TwitterHigh.jpg"),
    ("twitter/post@2024-08", f"{STEGO}/Twitter/Post/High.jpg", f"{STEGO}/Twitter/Post/TwitterHigh.jpg"),
    ("linkedin/post@2023", f"{STEGO}/LinkedIn/Post/High.jpg", f"{STEGO}/LinkedIn/Post/LinkedinHigh.jpg"),
    ("linkedin/post@2023", f"{STEGO}/LinkedIn/mercyWallpaper.jpg", f"{STEGO}/LinkedIn/Post/DefaultPost.jpg"),
    (
        "linkedin/article@2023",
        f"{STEGO}/LinkedIn/Article/__Img_01_S2_q90.jpg",
        f"{STEGO}/LinkedIn/Article/__Img_01_S2_q90_posted.jpg",
    ),
    ("instagram/post@2023", f"{STEGO}/Instagram/Posts/High.jpg", f"{STEGO}/Instagram/Posts/InstagramHigh.jpg"),
    ("instagram/post@2024-08", f"{STEGO}/Instagram/Posts/High.jpg", f"{STEGO}/Instagram/Posts/InstagramHigh.jpg"),
    (
        "telegram/photo@2026-02",
        f"{CHAIN}/D01_I_nat_0002.chain_1a75f9bb_1771477474.step1.discord.jpg",
        f"{CHAIN}/D01_I_nat_0002.chain_1a75f9bb_1771477271.step1.telegram.jpg",
    ),
    (
        "telegram/photo@2026-02",
        f"{CHAIN}/D05_I_nat_0002.chain_89dccff0_1771482982.step2.discord.jpg",
        f"{CHAIN}/D05_I_nat_0002.chain_89dccff0_1771482843.step1.telegram.jpg",
    ),
    (
        "telegram/photo@2026-02",
        f"{CHAIN}/D02_I_nat_0002.chain_cafc29a9_1771469063.step1.slack.jpg",
        f"{CHAIN}/D02_I_nat_0002.chain_cafc29a9_1771468989.step1.telegram.jpg",
    ),
)
"""Profile, what was uploaded, what came back. For Telegram the upload is the same photograph as another messenger
passed it on with equal pixels."""

Measured = tuple[float, float]
"""PSNR in dB and exact share."""


@dataclass(frozen=True, slots=True)
class Row:
    """One pair.

    Attributes:
        profile: Full name of the profile.
        rule: The rule that matched.
        uploaded: Name of the file that was uploaded.
        upload_size: Its width and height, upright.
        served_size: Width and height of what came back.
        psnr_db_source: Upload against served.
        psnr_db_emulated: Emulated against served; infinite when equal.
        exact_share: Share of pixels emulated exactly.
        psnr_db_peer: Bare Pillow save against served.
        exact_share_peer: Share of pixels of that.
        emulated_bytes: Size of the emulated file.
        served_bytes: Size of the served file.
        same_bytes: Whether the two files are equal.
        left_out_px: Pixels not compared.
    """

    profile: str
    rule: str
    uploaded: str
    upload_size: tuple[int, int]
    served_size: tuple[int, int]
    psnr_db_source: float
    psnr_db_emulated: float
    exact_share: float
    psnr_db_peer: float
    exact_share_peer: float
    emulated_bytes: int
    served_bytes: int
    same_bytes: bool
    left_out_px: int


def measure(profile: str, uploaded: Path, served: Path) -> Row:
    """Compare an emulated file and a peer's with the served one.

    Args:
        profile: Name of a profile, or path to one.
        uploaded: What was handed to the network.
        served: What came back.
    """
    real_bytes = served.read_bytes()
    real = read_picture(real_bytes, name=str(served)).rgb8()
    emulated = emulate(uploaded, profile)
    if emulated.pixels.shape != real.shape:
        raise UsageError(
            f"{uploaded.name} by {profile}: emulated {emulated.pixels.shape[1]}x{emulated.pixels.shape[0]} px, "
            f"served {real.shape[1]}x{real.shape[0]} px; another profile or rule must have been at work"
        )
    mask = emulated.mask
    source = Image.fromarray(read_picture(uploaded.read_bytes(), name=str(uploaded)).rgb8())

    def against_real(pixels: NDArray[np.uint8]) -> Measured:
        return psnr_db(pixels, real, mask=mask), exact_share(pixels, real, mask=mask)

    at_size = source.resize((real.shape[1], real.shape[0]), Image.Resampling.LANCZOS)
    psnr_emulated, share_emulated = against_real(emulated.pixels)
    psnr_peer, share_peer = against_real(_peer(at_size, real_bytes))
    return Row(
        profile=emulated.trace.profile,
        rule=emulated.trace.rule,
        uploaded=uploaded.name,
        upload_size=source.size,
        served_size=at_size.size,
        psnr_db_source=against_real(np.asarray(at_size))[0],
        psnr_db_emulated=psnr_emulated,
        exact_share=share_emulated,
        psnr_db_peer=psnr_peer,
        exact_share_peer=share_peer,
        emulated_bytes=len(emulated.data),
        served_bytes=len(real_bytes),
        same_bytes=emulated.data == real_bytes,
        left_out_px=int(mask.sum()),
    )


def _peer(picture: Image.Image, served: bytes) -> NDArray[np.uint8]:
    """The picture saved once with the settings read from the served file; as it is where that is no JPEG."""
    with Image.open(io.BytesIO(served)) as example:
        if example.format != "JPEG":
            return np.asarray(picture)
        settings = {"qtables": example.quantization, "progressive": bool(example.info.get("progressive"))}
        subsampling = {(1, 1): 0, (2, 1): 1, (2, 2): 2}[example.layer[0][1:3]]
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", subsampling=subsampling, **settings)
    return np.asarray(ImageOps.exif_transpose(Image.open(buffer)).convert("RGB"))


def main() -> None:
    """Measure every pair and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder whose data/platform_files holds them")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    parser.add_argument("--pair", nargs=3, action="append", default=[], metavar=("PROFILE", "UPLOADED", "SERVED"))
    arguments = parser.parse_args()
    folder = arguments.shared / "data" / "platform_files"
    pairs = [(name, folder / uploaded, folder / served) for name, uploaded, served in PAIRS if folder.is_dir()]
    pairs += [(name, Path(uploaded), Path(served)) for name, uploaded, served in arguments.pair]
    if not pairs:
        print(f"nothing measured: no files of real networks at {folder}; give pairs with --pair")
        return
    rows: list[Row] = []
    for pair in pairs:
        try:
            rows.append(measure(*pair))
        except RepostError as error:
            print(f"not compared: {error}")
    print_table(HEAD, [_cells(row) for row in rows])
    print(f"\nn = {len(rows)} pairs; '=' marks an emulated file equal to the served one byte for byte")
    print("peer: one Pillow save of the upload with the served file's tables, subsampling and scans")
    print_environment()
    if arguments.json:
        content = {"environment": environment(), "n": len(rows), "pairs": [_plain(row) for row in rows]}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


HEAD = (
    "profile", "upload", "served", "source dB", "emulated dB", "exact", "peer dB", "peer exact", "bytes",
    "served bytes",
)  # fmt: skip


def _cells(row: Row) -> list[str]:
    return [
        row.profile,
        "x".join(map(str, row.upload_size)),
        "x".join(map(str, row.served_size)),
        *(_decibel(number) for number in (row.psnr_db_source, row.psnr_db_emulated)),
        f"{row.exact_share:.4f}",
        _decibel(row.psnr_db_peer),
        f"{row.exact_share_peer:.4f}",
        ("=" if row.same_bytes else "") + f"{row.emulated_bytes:,}",
        f"{row.served_bytes:,}",
    ]


def _decibel(number: float) -> str:
    return "equal" if math.isinf(number) else f"{number:.2f}"


def _plain(row: Row) -> dict[str, object]:
    """As JSON, where infinity has no number: null stands for equal pictures."""
    return {name: None if value == math.inf else value for name, value in asdict(row).items()}


if __name__ == "__main__":
    main()
