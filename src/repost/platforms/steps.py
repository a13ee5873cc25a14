"""The steps a network takes, as data: what is done, never how.

A step is told apart by its `op`, an `encode` step further by its `codec`. Each op is one function in every interpreter
of profiles.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from repost.platforms.values import Data, Value, within

Kernel: TypeAlias = Literal["lanczos", "bicubic", "bilinear", "box", "box_gm", "area", "bicublin", "spline"]
KERNELS: dict[str, tuple[str, ...]] = {
    "image": ("lanczos", "bicubic", "bilinear", "box", "box_gm", "area"),
    "video": ("bicubic", "lanczos", "bilinear", "area", "bicublin", "spline"),
}
"""The kernels of each medium; for video they are libswscale's."""
Quality: TypeAlias = Annotated[Value, within(1, 100, whole=True)]
Pixels: TypeAlias = Annotated[Value, within(1, 65535, whole=True)]
Positive: TypeAlias = Annotated[Value, within(1e-9)]
Crf: TypeAlias = Annotated[Value, within(0, 63)]
TableEntry: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
Table: TypeAlias = Annotated[tuple[TableEntry, ...], Field(min_length=64, max_length=64)]
Fate: TypeAlias = Literal["strip", "keep"]


class Decode(Data):
    """How the network decodes a JPEG upload, where that is known to differ from libjpeg's default.

    Attributes:
        upsampling: Chroma upsampling: "triangle" is libjpeg's default ("fancy"), "replicate" repeats each sample.
    """

    op: Literal["decode"]
    upsampling: Literal["triangle", "replicate"]


class Orient(Data):
    """Rotate the pixels upright as EXIF (or the video container) says, and drop the tag."""

    op: Literal["orient"]


class Colour(Data):
    """Convert colours by the embedded ICC profile to sRGB, or leave the numbers as they are.

    Convention: relative colorimetric intent with black point compensation, 8 bits.
    """

    op: Literal["colour"]
    to: Literal["srgb", "keep"] = "srgb"


class Resize(Data):
    """Change the size.

    Attributes:
        fit: What is fitted. "long_side", "short_side", "width" and "height" scale that side to `px`; "inside" scales
            into `width_px` x `height_px`; all of these keep the aspect ratio. "cover" scales to fill that box and
            crops the centre; "stretch" makes exactly that box.
        px: The size of the fitted side.
        width_px: Width of the box.
        height_px: Height of the box.
        kernel: The resampling filter; "area" weights by covered area as OpenCV's INTER_AREA does, "box_gm" is
            GraphicsMagick's box, the others are Pillow's with antialiasing. For video they are libswscale's: no
            "box" and "box_gm" there, but "bicublin" (bicubic luma, bilinear chroma) and "spline".
        upscale: Whether smaller pictures are enlarged.
        rounding: Of the side that follows from the aspect ratio.
        multiple_of: Both sides are rounded to a multiple of this, as video codecs need.
    """

    op: Literal["resize"]
    fit: Literal["long_side", "short_side", "width", "height", "inside", "cover", "stretch"]
    px: Pixels | None = None
    width_px: Pixels | None = None
    height_px: Pixels | None = None
    kernel: Kernel = "lanczos"
    upscale: bool = False
    rounding: Literal["nearest", "floor", "ceil"] = "nearest"
    multiple_of: Annotated[int, Field(ge=1, le=64)] = 1

    @model_validator(mode="after")
    def _has_its_size(self) -> Resize:
        boxed = self.fit in ("inside", "cover", "stretch")
        needed = {"width_px", "height_px"} if boxed else {"px"}
        given = {name for name in ("px", "width_px", "height_px") if getattr(self, name) is not None}
        if given != needed:
            raise ValueError(
                f"fit '{self.fit}' needs {' and '.join(sorted(needed))}, got {', '.join(sorted(given)) or 'none'}"
            )
        return self

    @model_validator(mode="after")
    def _no_idle_rounding(self) -> Resize:
        if self.fit in ("cover", "stretch"):
            for name in ("rounding", "multiple_of"):
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(
                        f"fit '{self.fit}' makes exactly its box, so {name} would have no effect; leave it out"
                    )
        return self


class Overlay(Data):
    """A mark the network draws, of which only the region is known.

    Nothing is drawn: the region is left out of comparisons and reported as a mask.

    Attributes:
        corner: The corner the region sits in.
        width_px: Width of the region.
        height_px: Height of the region.
        margin_px: Distance from both edges of that corner.
    """

    op: Literal["overlay"]
    corner: Literal["top_left", "top_right", "bottom_left", "bottom_right", "centre"]
    width_px: Annotated[int, Field(ge=1)]
    height_px: Annotated[int, Field(ge=1)]
    margin_px: Annotated[int, Field(ge=0)] = 0


class QuantTables(Data):
    """Quantisation tables as found in a file, in natural (row by row) order."""

    luma: Table
    chroma: Table


class EncodeJpeg(Data):
    """Write a JPEG.

    Attributes:
        quality: IJG quality; or give `tables`.
        tables: Verbatim quantisation tables.
        subsampling: Of the chroma.
        progressive: Whether the scans are progressive.
        optimize_huffman: Whether Huffman tables are made for this picture; progressive files always have their own.
        quantiser: "libjpeg" rounds half away from zero after an integer DCT; "half_even" divides the rounded float
            DCT and rounds half to even, as Facebook's files of 2022 show.
    """

    op: Literal["encode"]
    codec: Literal["jpeg"]
    quality: Quality | None = None
    tables: QuantTables | None = None
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:2:0"
    progressive: bool = False
    optimize_huffman: bool = False
    quantiser: Literal["libjpeg", "half_even"] = "libjpeg"

    @model_validator(mode="after")
    def _quality_or_tables(self) -> EncodeJpeg:
        if (self.quality is None) == (self.tables is None):
            raise ValueError("give either quality or tables")
        return self


class EncodeWebp(Data):
    """Write a WebP; `quality` is libwebp's own 1-100 scale, `effort` its method 0-6."""

    op: Literal["encode"]
    codec: Literal["webp"]
    quality: Quality = 80
    lossless: bool = False
    effort: Annotated[int, Field(ge=0, le=6)] = 4


class EncodeAvif(Data):
    """Write an AVIF; `quality` is libavif's own 1-100 scale, `effort` is 10 minus its speed."""

    op: Literal["encode"]
    codec: Literal["avif"]
    quality: Quality = 75
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:2:0"
    effort: Annotated[int, Field(ge=0, le=10)] = 4


class EncodeHeif(Data):
    """Write a HEIC file; `quality` is libheif's own 1-100 scale for x265."""

    op: Literal["encode"]
    codec: Literal["heif"]
    quality: Quality = 50
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:2:0"


class EncodePng(Data):
    """Write a PNG; lossless. `palette_colours` is the size of the palette where the network makes one."""

    op: Literal["encode"]
    codec: Literal["png"]
    palette_colours: Annotated[int, Field(ge=2, le=256)] | None = None


class CrfRate(Data):
    """Constant rate factor."""

    mode: Literal["crf"]
    crf: Crf


class AbrRate(Data):
    """Average bitrate, as bits per pixel of one frame per second.

    Attributes:
        bits_per_pixel_s: Stream bits per second / (width x height).
        vbv_max_ratio: Peak rate over average rate; no limit when absent.
        vbv_buffer_s: Buffer size in seconds of the average rate.
        passes: 1 or 2.
    """

    mode: Literal["abr"]
    bits_per_pixel_s: Positive
    vbv_max_ratio: Positive | None = None
    vbv_buffer_s: Positive | None = None
    passes: Literal[1, 2] = 1


class QualityRate(Data):
    """A target fidelity to the upload, for encoders of which only that is known."""

    mode: Literal["quality"]
    psnr_db: Positive


Rate: TypeAlias = Annotated[CrfRate | AbrRate | QualityRate, Field(discriminator="mode")]


_STANDARDS = {
    "libx264": "h264", "libx264rgb": "h264", "libopenh264": "h264", "libx265": "hevc", "libkvazaar": "hevc",
    "libvpx-vp9": "vp9", "libsvtav1": "av1", "libaom-av1": "av1", "librav1e": "av1",
}  # fmt: skip
"""What encoders write, by FFmpeg's names (libavcodec/allcodecs.c). Those of hardware tell it themselves: hevc_nvenc."""


class EncodeVideo(Data):
    """Write a video stream.

    Attributes:
        codec: The standard, not the program.
        encoder: The program where known, such as "libx264".
        profile: Profile of the standard, as FFmpeg names it.
        level: Level of the standard, such as "4.0".
        pixel_format: As FFmpeg names it.
        gop_s: Most seconds between keyframes; or give `gop_frames`.
        gop_frames: Most frames between keyframes; the encoder's choice when neither is given.
        scene_cut: Whether scene changes start a new group; else keyframes come at exactly that distance.
        b_frames: Most B-frames in a row.
        references: Reference frames.
        preset: Effort class of the encoder.
        threads: Encoder threads, which x264's output depends on; 1 when absent, on every machine.
        rate: The rate law.
        psnr_db: Fidelity of the served frames to the upload at the served size, luma; what matching by quality aims at.
    """

    op: Literal["encode"]
    codec: Literal["h264", "hevc", "vp9", "av1"]
    encoder: str | None = None
    profile: str | None = None
    level: str | None = None
    pixel_format: str = "yuv420p"
    gop_s: Positive | None = None
    gop_frames: Annotated[int, Field(ge=1)] | None = None
    scene_cut: bool = True
    b_frames: Annotated[int, Field(ge=0, le=16)] | None = None
    references: Annotated[int, Field(ge=1, le=16)] | None = None
    preset: str | None = None
    threads: Annotated[int, Field(ge=1)] | None = None
    rate: Rate
    psnr_db: Positive | None = None

    @model_validator(mode="after")
    def _one_length_of_group(self) -> EncodeVideo:
        if self.gop_s is not None and self.gop_frames is not None:
            raise ValueError("give gop_s or gop_frames, not both")
        if not self.scene_cut and self.gop_s is None and self.gop_frames is None:
            raise ValueError("without scene cuts keyframes come at a fixed distance; give gop_s or gop_frames")
        return self

    @model_validator(mode="after")
    def _encoder_writes_the_codec(self) -> EncodeVideo:
        encoder = self.encoder or ""
        standard = _STANDARDS.get(encoder, encoder.partition("_")[0])
        if standard != self.codec and standard in _STANDARDS.values():
            raise ValueError(
                f"got encoder '{encoder}' with codec '{self.codec}', expected one that writes {self.codec}; "
                f"name another or none, or write codec = '{standard}'"
            )
        return self


ImageEncode: TypeAlias = Annotated[
    EncodeJpeg | EncodeWebp | EncodeAvif | EncodeHeif | EncodePng, Field(discriminator="codec")
]
Encode: TypeAlias = Annotated[
    EncodeJpeg | EncodeWebp | EncodeAvif | EncodeHeif | EncodePng | EncodeVideo, Field(discriminator="codec")
]


class ClientSave(Data):
    """The person's own app writes the served picture again when saving it."""

    op: Literal["client_save"]
    encode: ImageEncode


class Passthrough(Data):
    """The file is served byte for byte."""

    op: Literal["passthrough"]


class Transcode(Data):
    """JPEG coefficients are kept; scans and container are written anew, so the pixels do not change.

    Attributes:
        scans: "progressive"; "baseline" with optimised Huffman tables; or "keep", where only the metadata segments are
            written anew and the compressed data stays as it is.
    """

    op: Literal["transcode"]
    scans: Literal["progressive", "baseline", "keep"] = "progressive"


class Metadata(Data):
    """What becomes of the upload's metadata when the picture is written.

    A rule without this step strips everything, which is what networks do unless measured otherwise.

    Attributes:
        exif: EXIF, with the orientation reset where `orient` ran; "orientation" keeps nothing but that one tag.
        xmp: XMP packets.
        icc: The colour profile: stripped, kept, or replaced by a plain sRGB profile ("srgb").
        c2pa: Content credentials; they survive only where the file's segments are copied (`transcode`).
    """

    op: Literal["metadata"]
    exif: Literal["strip", "keep", "orientation"] = "strip"
    xmp: Fate = "strip"
    icc: Literal["strip", "keep", "srgb"] = "strip"
    c2pa: Fate = "strip"


class FrameRate(Data):
    """Change the frame rate of a video: cap it, or set it."""

    op: Literal["frame_rate"]
    fps: Positive
    cap: bool = True


class Audio(Data):
    """What becomes of the sound: copied, encoded anew, or dropped."""

    op: Literal["audio"]
    action: Literal["copy", "encode", "drop"]
    codec: Literal["aac", "opus"] | None = None
    bitrate_bps: Positive | None = None

    @model_validator(mode="after")
    def _encode_needs_a_codec(self) -> Audio:
        wanted = self.action == "encode"
        if wanted != (self.codec is not None) or wanted != (self.bitrate_bps is not None):
            raise ValueError("codec and bitrate_bps go with action 'encode', and with no other")
        return self


class Container(Data):
    """The video file's container and what is stripped from its streams."""

    op: Literal["container"]
    format: Literal["mp4", "webm"] = "mp4"
    faststart: bool = True
    strip_sei: bool = True


Step: TypeAlias = Annotated[
    Decode | Orient | Colour | Resize | Overlay | Encode | ClientSave | Passthrough | Transcode | Metadata
    | FrameRate | Audio | Container,
    Field(discriminator="op"),
]  # fmt: skip

IMAGE_ENCODES = (EncodeJpeg, EncodeWebp, EncodeAvif, EncodeHeif, EncodePng)
WRITES = (*IMAGE_ENCODES, EncodeVideo, ClientSave, Passthrough, Transcode)
"""Steps that leave a file behind."""
CHANGES_PIXELS = (Decode, Orient, Colour, Resize, Overlay, Metadata, FrameRate)
"""Steps that matter only if a later one writes the picture."""
REDRAWS = (Decode, Orient, Colour, Resize, Overlay)
"""Those of them that change the picture itself, which has no effect where its coefficients are kept."""
IMAGE_ONLY = (Decode, Colour, *IMAGE_ENCODES, ClientSave, Transcode)
VIDEO_ONLY = (EncodeVideo, FrameRate, Audio, Container)
