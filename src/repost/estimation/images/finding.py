"""What one pair shows: the data that passes from examining pairs to learning a profile."""

from __future__ import annotations

from typing import Literal, TypeAlias

from repost.platforms.steps import ClientSave as ClientSaveStep
from repost.platforms.steps import (
    Colour,
    Decode,
    Encode,
    EncodeAvif,
    EncodeHeif,
    EncodeJpeg,
    EncodePng,
    EncodeWebp,
    Kernel,
    Metadata,
    Orient,
    Overlay,
    Passthrough,
    QuantTables,
    Resize,
    Step,
    Transcode,
)
from repost.platforms.values import Data, Value

Size: TypeAlias = tuple[int, int]
Kind: TypeAlias = Literal["passthrough", "transcode", "encode"]


class Treatment(Data):
    """What was done to one upload, setting by setting; None where this pair cannot show it.

    Attributes:
        kind: Kept byte for byte; coefficients kept; or encoded anew.
        codec: Of the served file, where it was encoded anew.
        quality: IJG quality of a JPEG, or the codec's own scale; None where the tables are no IJG tables.
        tables: The JPEG's tables where they are no IJG tables.
        subsampling: Of the chroma, by name; greyscale has none.
        progressive: Whether a JPEG's scans are progressive.
        optimize_huffman: Whether a baseline JPEG has Huffman tables of its own; progressive ones always have.
        quantiser: As in `EncodeJpeg`.
        lossless: Of a WebP.
        palette_colours: Of a PNG that became a palette picture.
        scans: As in `Transcode`.
        orient: Whether a rotated upload was turned upright.
        colour: Whether an embedded colour profile was applied.
        upsampling: As in `Decode`.
        kernel: Of the resize.
        cropped: Whether the centre was cut out to make another shape.
        exif: What became of the upload's EXIF.
        xmp: What became of its XMP.
        icc: What became of its colour profile.
        c2pa: What became of its content credentials.
        hidden: An earlier JPEG stage found inside.
    """

    kind: Kind
    codec: Literal["jpeg", "webp", "avif", "heif", "png"] | None = None
    quality: int | None = None
    tables: QuantTables | None = None
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] | None = None
    progressive: bool | None = None
    optimize_huffman: bool | None = None
    quantiser: Literal["libjpeg", "half_even"] | None = None
    lossless: bool | None = None
    palette_colours: int | None = None
    scans: Literal["progressive", "baseline", "keep"] | None = None
    orient: bool | None = None
    colour: Literal["srgb", "keep"] | None = None
    upsampling: Literal["triangle", "replicate"] | None = None
    kernel: Kernel | None = None
    cropped: bool | None = None
    exif: Literal["strip", "keep", "orientation"] | None = None
    xmp: Literal["strip", "keep"] | None = None
    icc: Literal["strip", "keep", "srgb"] | None = None
    c2pa: Literal["strip", "keep"] | None = None
    hidden: EncodeJpeg | None = None

    def but(self, **changes: object) -> Treatment:
        """The same with some settings changed."""
        return Treatment.model_validate({**{name: getattr(self, name) for name in type(self).model_fields}, **changes})

    def steps(
        self, resize: Resize | None, *, overlay: Overlay | None = None, quality: Value | None = None
    ) -> tuple[Step, ...]:
        """As steps of a rule; what is not known takes the data model's default.

        Args:
            resize: The size rule, where one is needed.
            overlay: The region the network draws over.
            quality: What stands for the quality of the last encode, where it is a distribution.

        Returns:
            Steps in the order they are carried out.
        """
        if self.kind == "passthrough":
            return (Passthrough(op="passthrough"),)
        fates = {name: getattr(self, name) for name in ("exif", "xmp", "icc", "c2pa")}
        kept = {name: fate for name, fate in fates.items() if fate not in (None, "strip")}
        metadata = (Metadata.model_validate({"op": "metadata", **kept}),) if kept else ()
        if self.kind == "transcode":
            return (*metadata, Transcode(op="transcode", scans=self.scans or "progressive"))
        before: list[Step] = [*metadata]
        if self.upsampling == "replicate":
            before.append(Decode(op="decode", upsampling="replicate"))
        if self.orient is not False:
            before.append(Orient(op="orient"))
        if self.colour == "srgb":
            before.append(Colour(op="colour", to="srgb"))
        drawn = [step for step in (resize, overlay) if step is not None]
        last = self._encode(self.quality if quality is None else quality)
        if self.hidden is None:
            return (*before, *drawn, last)
        return (*before, *drawn, self.hidden, ClientSaveStep.model_validate({"op": "client_save", "encode": last}))

    def _encode(self, quality: Value | None) -> Encode:
        if self.codec == "png":
            return EncodePng(op="encode", codec="png", palette_colours=self.palette_colours)
        if self.codec == "webp":
            level = {} if self.lossless else {"quality": quality}
            return EncodeWebp.model_validate(
                {"op": "encode", "codec": "webp", "lossless": bool(self.lossless), **level}
            )
        if self.codec in ("avif", "heif"):
            model = EncodeAvif if self.codec == "avif" else EncodeHeif
            sampling = {"subsampling": self.subsampling} if self.subsampling else {}
            return model.model_validate({"op": "encode", "codec": self.codec, "quality": quality, **sampling})
        return EncodeJpeg(
            op="encode",
            codec="jpeg",
            quality=None if self.tables else quality,
            tables=self.tables,
            subsampling=self.subsampling or "4:2:0",
            progressive=bool(self.progressive),
            optimize_huffman=bool(self.optimize_huffman),
            quantiser=self.quantiser or "libjpeg",
        )


class Features(Data):
    """What rules may depend on, of one upload; see `repost.platforms.conditions.When`."""

    format: str
    animated: bool
    has_alpha: bool
    rotated: bool
    width_px: int
    height_px: int
    long_side_px: int
    short_side_px: int
    pixel_count: int
    aspect_ratio: float
    size_bytes: int
    bits_per_pixel: float
    busyness: float


class Agreement(Data):
    """How well the treatment, carried out on the upload, gives the served picture.

    Attributes:
        exact_share: Share of pixels reproduced exactly, overlays left out.
        psnr_db_emulated: PSNR against the served picture; None where all are exact.
        psnr_db_source: PSNR of the upload against the served picture; None where they are equal.
    """

    exact_share: float
    psnr_db_emulated: float | None
    psnr_db_source: float | None


class PairFinding(Data):
    """One pair, examined.

    Attributes:
        name: What the pair is called.
        upload_sha256: Of the uploaded file.
        served_sha256: Of the served file.
        features: Of the upload.
        treatment: What was done to it.
        size_before: Width and height in pixels when it came to be resized (upright, unless the network left it turned).
        size_after: Width and height of the served picture, as stored.
        overlay: Region the network drew over: left, top, right, bottom in pixels of the served picture.
        nearest_quality: Of the luma table; equal to the quality where that is exact.
        table_distance: Sum of absolute differences of the luma table to that quality's.
        agreement: None where the treatment could not be carried out.
        change: Mean absolute difference of the 8-bit values between upload and served picture, at the served size.
        qualities: Of a codec other than JPEG, every quality that gives the served picture; empty where none does.
        doubts: What is odd about the pair, in words.
    """

    name: str
    upload_sha256: str
    served_sha256: str
    features: Features
    treatment: Treatment
    size_before: Size
    size_after: Size
    overlay: tuple[int, int, int, int] | None = None
    nearest_quality: int | None = None
    table_distance: int | None = None
    agreement: Agreement | None = None
    change: float = 0.0
    qualities: tuple[int, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def resized(self) -> bool:
        """Whether the size changed."""
        return self.size_before != self.size_after
