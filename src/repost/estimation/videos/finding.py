"""What one pair of videos shows: the data that passes from examining pairs to learning a profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from repost.channel.video.settings import DEFAULT_THREADS, Crf, EncoderSettings
from repost.platforms.conditions import Codec
from repost.platforms.steps import Kernel
from repost.platforms.values import Data

Size: TypeAlias = tuple[int, int]
RateMode: TypeAlias = Literal["crf", "abr"]
Censored: TypeAlias = Literal["below at the start", "never below"]


class VideoFeatures(Data):
    """What rules may depend on, of one upload; see `repost.platforms.conditions.When`."""

    format: str
    codec: Codec | None  # None: one that rules cannot name, such as Motion JPEG
    rotated: bool
    width_px: int
    height_px: int
    long_side_px: int
    short_side_px: int
    pixel_count: int
    aspect_ratio: float
    size_bytes: int
    bits_per_pixel: float
    fps: float
    duration_s: float
    bitrate_bps: float


class Sound(Data):
    """What became of the sound; `codec` and `bitrate_bps` where it was encoded anew."""

    action: Literal["copy", "encode", "drop"]
    codec: Literal["aac", "opus"] | None = None
    bitrate_bps: int | None = None


_SELDOM = ("ultrafast", "superfast", "placebo")
"""Presets that are not believed where headers agree with another one too."""


def likeliest_preset(presets: Sequence[str]) -> str | None:
    """The one of several presets of x264 that is most in use, or None where there are none."""
    return next((preset for preset in reversed(presets) if preset not in _SELDOM), presets[-1] if presets else None)


class Structure(Data):
    """How the served stream was coded.

    Attributes:
        codec: The standard.
        profile: As FFmpeg reads it, such as "High".
        level: Such as "4.0"; None where the standard has none or it is not told.
        own_level: Whether the encoder would have chosen that level by itself; None where that was not tried.
        pixel_format: As FFmpeg names it.
        encoder: The program, where it left its name.
        presets: Presets of x264 that the headers agree with, fastest first.
        references: Default references of the headers.
        b_frames: Most B-frames in a row.
        longest_gop: Most frames between keyframes; None where there is only one group, or the last is longer.
        longest_run: Frames of the longest group, the last one included: the limit is no less.
        fixed_gop: Whether all groups but the last are equally long; None where too few tell.
        initial_qp: pic_init_qp of the headers.
        mean_qp: Mean QP of the P-frames, or of all.
        threads: Encoder threads, where the encoder left them.
        vbv: Peak rate over average rate and buffer over average rate in seconds, where the encoder left them.
        said: The rate mode and number that the encoder left, such as ("crf", 23.0).
    """

    codec: str
    profile: str | None
    level: str | None
    pixel_format: str
    own_level: bool | None = None
    encoder: str | None = None
    presets: tuple[str, ...] = ()
    references: int | None = None
    b_frames: int = 0
    longest_gop: int | None = None
    longest_run: int = 0
    fixed_gop: bool | None = None
    initial_qp: int | None = None
    mean_qp: float | None = None
    threads: int | None = None
    vbv: tuple[float, float] | None = None
    said: tuple[RateMode, float] | None = None

    def settings(self, *, encoder: str, crf: float) -> EncoderSettings:
        """As settings of an encoder, as far as they are known.

        Args:
            encoder: FFmpeg's name of the program.
            crf: The rate factor.
        """
        x264 = encoder == "libx264"
        known = self.longest_gop
        return EncoderSettings(
            encoder=encoder,
            rate=Crf(crf),
            profile=encoder_profile(encoder, self.profile),
            level=self.level if x264 else None,
            pixel_format=self.pixel_format,
            preset=likeliest_preset(self.presets) if x264 else None,
            gop_frames=known,
            scene_cut=not (known and self.fixed_gop),
            b_frames=self.b_frames if x264 else None,
            references=self.references if x264 else None,
            threads=self.threads or DEFAULT_THREADS,
        )


class AverageFit(Data):
    """One way of encoding for an average bitrate, and how near it comes to the served stream.

    Attributes:
        preset: Of x264.
        passes: 1 or 2.
        vbv: Peak rate over average rate and buffer over average rate in seconds; no buffer when None.
        bits_per_pixel_s: The target over width x height at which the stream takes as much as the served one.
        distance: By how much sizes of frames differ: mean of the logarithm's absolute difference.
    """

    preset: str
    passes: Literal[1, 2]
    vbv: tuple[float, float] | None
    bits_per_pixel_s: float
    distance: float


class Rate(Data):
    """The bitrate of the served stream, in the terms of an encoder.

    Attributes:
        bitrate_bps: Of the served picture stream.
        bits_per_pixel_s: Bitrate over width x height.
        crf: Smallest whole rate factor in the range searched at which the upload, encoded with the encoder's defaults,
            takes less: the published framework's answer.
        censored: Why that is only an end of the range.
        crf_exact: The rate factor, as a fraction, at which it takes as much, with the encoder's defaults; None where
            censored.
        searched_with: FFmpeg's name of the encoder that these are of.
        encodes: Full encodes that the search took.
        bitrates_bps: What was measured, by rate factor.
        proven_crf: The rate factor the stream was made with, proven by making it again.
        averages: Ways of encoding for an average bitrate, the nearest first; none where the rate factor is proven, or
            no x264 is in sight.
        psnr_db: Fidelity of the served frames to the upload at the served size, luma.
    """

    bitrate_bps: int
    bits_per_pixel_s: float
    crf: int
    censored: Censored | None
    crf_exact: float | None
    encodes: int
    bitrates_bps: dict[int, int]
    searched_with: str = "libx264"
    proven_crf: float | None = None
    averages: tuple[AverageFit, ...] = ()
    psnr_db: float | None = None

    @property
    def crf_in_words(self) -> str:
        """The rate factor found, such as "28"; "20 or less", "51 or more" where it is an end of the range searched."""
        ends = {None: "", "below at the start": " or less", "never below": " or more"}
        return f"{self.crf}{ends[self.censored]}"


class VideoFinding(Data):
    """One pair, examined.

    Attributes:
        name: What the pair is called.
        source_file: File name of the served video.
        upload_sha256: Of the uploaded file.
        served_sha256: Of the served file.
        features: Of the upload.
        stored_before: Width and height of the upload as stored.
        stored_after: Width and height of the served video as stored.
        size_before: Width and height when it came to be resized: upright, unless the network left it turned.
        size_after: Width and height of the served video in the same orientation.
        kept: Whether the file came back byte for byte.
        oriented: Whether a rotated upload was turned upright; None where it was upright.
        fps_after: Frame rate of the served video.
        structure: How it was coded.
        rate: Its rate; None where it was kept.
        kernel: What it was scaled with; None where that cannot be told.
        kernel_errors: Mean squared error of frames made again, by kernel, where no rate factor is proven.
        exact: Whether the whole stream was made again, bit for bit, which proves every setting.
        same_pictures: How many of its pictures were, from the first on; see `proof.CONVINCING_PICTURES`.
        sound: What became of the sound; None where the upload has none.
        correlation: Of low-resolution frames of the two.
        doubts: What is odd about the pair, in words.
    """

    name: str
    source_file: str
    upload_sha256: str
    served_sha256: str
    features: VideoFeatures
    stored_before: Size
    stored_after: Size
    size_before: Size
    size_after: Size
    kept: bool
    oriented: bool | None
    fps_after: float
    structure: Structure
    rate: Rate | None
    kernel: Kernel | None
    exact: bool
    sound: Sound | None
    same_pictures: int = 0
    kernel_errors: dict[str, float] = Field(default_factory=dict[str, float])
    correlation: float | None = None
    doubts: tuple[str, ...] = ()

    @property
    def resized(self) -> bool:
        """Whether the size changed."""
        return self.size_before != self.size_after


def encoder_profile(encoder: str, profile: str | None) -> str | None:
    """What an encoder calls the profile that FFmpeg reads from a stream; None where it has no name for it."""
    from repost.estimation.videos.start import PROFILES

    return PROFILES.get(encoder, {}).get(profile or "")
