"""The exact video channel: the file a network would serve for an upload, by its profile, with real codecs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from repost.channel.encode import encoder_versions
from repost.channel.trace import StepTrace, Trace, VideoFileFacts
from repost.channel.video.match import MOST_PASSES, match_psnr
from repost.channel.video.plan import Plan, plan_video
from repost.channel.video.settings import Crf, Match
from repost.channel.video.write import OnFrame, told_as_part, write_video
from repost.core.errors import OutputUnwritable, UnreadableMedia
from repost.core.files import atomic_writer
from repost.media.read import NO_LIMIT
from repost.media.video.facts import VideoFacts, read_video_facts
from repost.media.video.upload import VideoUpload
from repost.platforms.profile import Profile

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class EmulatedVideo:
    """What a network serves for a video.

    Attributes:
        path: The file as served.
        trace: What was done.
    """

    path: Path
    trace: Trace


def emulate_video(
    upload: VideoUpload,
    profile: Profile,
    out: Path,
    *,
    seed: int,
    match: Match = "bitrate",
    on_frame: OnFrame | None = None,
) -> EmulatedVideo:
    """Do to a video what a profile says.

    Args:
        upload: The video.
        profile: The platform.
        out: The file to write; its folder exists. Where the rule passes the upload on, its bytes.
        seed: Decides what is drawn, together with the upload's content and the profile: neither the order of calls
            nor the process matters.
        match: "quality" aims at the fidelity that the profile states and not at its rate.
        on_frame: Told how far the work is, in frames of the upload.

    Returns:
        Where the served file is, and its trace.

    Raises:
        UnsupportedMedia: The profile has no video rules, or the upload is of high dynamic range.
        UsageError: `match` is "quality" and the rule states no fidelity.
        UnreadableMedia: The upload is damaged; nothing is left at `out`.
        EncodeFailed: A codec refused its settings.
        OutputUnwritable: The file cannot be written.
    """
    plan = plan_video(upload, profile, seed=seed, match=match)
    done = list(plan.steps)
    if plan.settings is None:
        _copy(upload, out)
    else:
        settings = plan.settings
        if plan.psnr_db is not None:
            found = match_psnr(upload, plan, settings, psnr_db=plan.psnr_db, on_frame=on_frame)
            searched = found.encodes / MOST_PASSES
            on_frame = told_as_part(on_frame, searched, 1, frame_count=upload.facts.frame_count)
            settings = found.settings
            done = _with_match(done, settings.rate, psnr_db=round(found.psnr_db, 3), reached=found.reached)
        write_video(upload, plan, settings, out, on_frame=on_frame)
    served = read_video_facts(out, name="the served file", max_pixels=NO_LIMIT)
    return EmulatedVideo(out, _trace(upload, profile, plan, tuple(done), served, seed))


def served_extension(plan: Plan, facts: VideoFacts) -> str:
    """The extension of the served file, without a dot.

    Args:
        plan: The emulation.
        facts: The upload, whose own format stays where the file is passed on.
    """
    return facts.format if plan.settings is None else plan.container.format


def _with_match(steps: list[StepTrace], rate: object, **found: Any) -> list[StepTrace]:  # noqa: ANN401 - JSON values
    assert isinstance(rate, Crf), "fidelity is matched by CRF"
    return [
        replace(step, parameters={**step.parameters, "crf": rate.crf, **found}) if step.op == "encode" else step
        for step in steps
    ]


def _copy(upload: VideoUpload, target: Path) -> None:
    try:
        with atomic_writer(target) as copy:
            for piece in _pieces(upload):
                copy.write(piece)
    except UnreadableMedia:  # an OSError too
        raise
    except OSError as error:
        raise OutputUnwritable(target, reason=error.strerror or str(error)) from error


def _pieces(upload: VideoUpload) -> Iterator[bytes]:
    try:
        with upload.path.open("rb") as stream:
            yield from iter(partial(stream.read, _PIECE_BYTES), b"")
    except OSError as error:
        raise UnreadableMedia(upload.name, reason=error.strerror or str(error)) from error


def _trace(
    upload: VideoUpload, profile: Profile, plan: Plan, done: tuple[StepTrace, ...], served: VideoFacts, seed: int
) -> Trace:
    return Trace(
        profile=profile.id,
        profile_digest=profile.digest,
        rule=plan.rule.name,
        rule_index=plan.rule_index,
        seed=seed,
        upload=_file_facts(upload.facts),
        served=_file_facts(served),
        steps=done,
        assumed_conditions=profile.assumed_conditions(plan.rule_index),
        metadata_lost=(),
        left_out=plan.left_out,
        encoders=encoder_versions(),
    )


def _file_facts(facts: VideoFacts) -> VideoFileFacts:
    return VideoFileFacts(
        format=facts.format,
        width_px=facts.width_px,
        height_px=facts.height_px,
        size_bytes=facts.size_bytes,
        metadata=(),
        codec=facts.codec,
        profile=facts.profile,
        fps=round(float(facts.fps), 6),
        duration_s=round(facts.duration_s, 6),
        bitrate_bps=facts.bitrate_bps,
        audio_codec=facts.audio.codec if facts.audio else None,
    )
