"""Photographs, networks made of a few steps, and findings made by hand, for tests of the estimator."""

import hashlib
from typing import Any

import skimage.data
from hypothesis import strategies as st
from PIL import Image

from jpeg_samples import save
from repost.channel import emulate
from repost.estimation.images.finding import Features, PairFinding, Treatment
from repost.estimation.images.pair import examine_pair
from repost.media.jpeg_tables import ijg_tables
from repost.platforms.catalog import parse_profile
from repost.platforms.profile import Profile


def photo(width_px: int = 400, height_px: int = 300, *, at: int = 0) -> Image.Image:
    """A cut-out of a photograph; `at` moves it."""
    return Image.fromarray(skimage.data.coffee()).crop((at, at, at + width_px, at + height_px))


def network(*steps: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> Profile:
    """A network with these rules, or one that does these steps to everything."""
    made = rules or [rule(*steps)]
    evidence = [{"kind": "inferred", "source": "this test"}]
    head = {"platform": "true", "observed": "2024", "summary": "a test", "evidence": evidence}
    return parse_profile({**head, "rules": made}, source="this test")


def rule(*steps: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"media": "image", "name": "a rule", "when": when, "steps": list(steps)}


def jpeg(quality: Any = 80, **more: Any) -> dict[str, Any]:
    return {"op": "encode", "codec": "jpeg", "quality": quality, **more}


def served_by(profile: Profile, upload: bytes, *, seed: int = 0) -> bytes:
    return emulate(upload, profile, seed=seed).data


def examined(profile: Profile, uploads: list[bytes]) -> list[PairFinding]:
    """What the estimator finds about uploads to a network."""
    return [
        examine_pair(upload, served_by(profile, upload, seed=index), name=f"{index:03}")
        for index, upload in enumerate(uploads)
    ]


def uploads_of(sizes: list[tuple[int, int]], **settings: Any) -> list[bytes]:
    """JPEG photographs of these sizes, each another cut-out."""
    return [save(photo(*size, at=index % 40), **{"quality": 95, **settings}) for index, size in enumerate(sizes)]


def finding(
    number: int = 0, *, before: tuple[int, int] = (800, 600), after: tuple[int, int] | None = None,
    treatment: Treatment | None = None, **features: Any,
) -> PairFinding:  # fmt: skip
    """A finding made by hand; what is not said follows from the size."""
    width, height = before
    known = {
        "format": "jpeg", "animated": False, "has_alpha": False, "rotated": False, "width_px": width,
        "height_px": height, "long_side_px": max(before), "short_side_px": min(before), "pixel_count": width * height,
        "aspect_ratio": width / height, "size_bytes": width * height // 4, "bits_per_pixel": 2.0, "busyness": 5.0,
    }  # fmt: skip
    shown = treatment or Treatment(kind="encode", codec="jpeg", quality=80, subsampling="4:2:0", progressive=True)
    return PairFinding(
        name=f"{number:04}",
        upload_sha256=hashlib.sha256(f"upload {number}".encode()).hexdigest(),
        served_sha256=hashlib.sha256(f"served {number}".encode()).hexdigest(),
        features=Features.model_validate({**known, **features}),
        treatment=shown,
        size_before=before,
        size_after=before if after is None else after,
    )


def encoded(quality: int) -> Treatment:
    return Treatment(kind="encode", codec="jpeg", quality=quality, subsampling="4:2:0", progressive=True)


_fates = {name: st.sampled_from([None, "strip", "keep"]) for name in ("exif", "xmp", "icc", "c2pa")}
_luma, _chroma = (list(table) for table in ijg_tables(70))
_tables = st.integers(1, 9).map(lambda first: {"luma": [first, *_luma[1:]], "chroma": _chroma})
_qualities = st.integers(1, 100)
_stage = st.none() | _qualities.map(jpeg)
_common = {
    "kind": st.just("encode"),
    "orient": st.sampled_from([None, True, False]),
    "colour": st.sampled_from([None, "srgb", "keep"]),
    "upsampling": st.sampled_from([None, "triangle", "replicate"]),
    "kernel": st.sampled_from([None, "lanczos", "area", "bicubic"]),
    "cropped": st.sampled_from([None, True]),
    **_fates,
}
_jpeg_scans = st.sampled_from(
    [{"progressive": True}, {"progressive": False, "optimize_huffman": True},
     {"progressive": False, "optimize_huffman": False}]
)  # fmt: skip
_jpegs = st.builds(
    lambda common, coded, scans: common | {"codec": "jpeg"} | coded | scans,
    st.fixed_dictionaries({
        **_common, "hidden": _stage, "quantiser": st.sampled_from([None, "libjpeg", "half_even"]),
        "subsampling": st.sampled_from([None, "4:2:0", "4:4:4"]),
    }),
    st.one_of(_qualities.map(lambda quality: {"quality": quality}), _tables.map(lambda tables: {"tables": tables})),
    _jpeg_scans,
)  # fmt: skip
_webps = st.builds(
    lambda common, coded: common | {"codec": "webp"} | coded,
    st.fixed_dictionaries(_common),
    st.one_of(_qualities.map(lambda quality: {"quality": quality, "lossless": False}), st.just({"lossless": True})),
)
_others = st.fixed_dictionaries({**_common, "codec": st.sampled_from(["avif", "heif"]), "quality": _qualities})
_pngs = st.fixed_dictionaries({**_common, "codec": st.just("png"), "palette_colours": st.sampled_from([None, 2, 256])})
_kept = st.one_of(
    st.just({"kind": "passthrough"}),
    st.fixed_dictionaries(
        {"kind": st.just("transcode"), "scans": st.sampled_from(["progressive", "baseline", "keep"]), **_fates}
    ),
)
treatments = st.one_of(_jpegs, _webps, _others, _pngs, _kept).map(Treatment.model_validate)
"""Every treatment that an examination can return."""

sizes = st.tuples(st.integers(1, 6000), st.integers(1, 6000))


@st.composite
def findings_of_any_kind(draw: Any, *, most: int = 24) -> list[PairFinding]:
    """Findings that agree on nothing."""
    kinds = draw(st.lists(treatments, min_size=1, max_size=3))
    return [
        finding(
            number,
            before=(before := draw(sizes)),
            after=draw(st.one_of(st.just(before), sizes)),
            treatment=(treatment := draw(st.sampled_from(kinds))),
            format="jpeg" if treatment.kind == "transcode" else draw(st.sampled_from(["jpeg", "png", "webp"])),
            has_alpha=draw(st.booleans()),
            rotated=draw(st.booleans()),
            size_bytes=draw(st.integers(1, 10**8)),
            busyness=draw(st.floats(0, 60)),
        )
        for number in range(draw(st.integers(1, most)))
    ]
