"""Labels that follow from where a file lies: FaceForensics++'s folders, or folders named real and fake."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from repost.detectors.evaluation.labels import FAKE, REAL, Label
from repost.media.sniff import VIDEO_SUFFIXES

_ORIGINAL, _MANIPULATED = "original_sequences", "manipulated_sequences"
_COMPRESSION = re.compile(r"raw|c\d+")
_CLIPS = {False: re.compile(r"\d{3}(?!\d)"), True: re.compile(r"\d{3}_\d{3}(?!\d)")}
"""How the name of a frame begins, of original and of fake clips: `<target>`, and `<target>_<source>`."""

_CUT_OUT = re.compile(r"(?<=.)(?<!frame)(?<!img)(?<!image)_\d{6}$", re.IGNORECASE)
"""How `repost faces` names what it cut out of a frame, `clip_000050.png`; not `CLIP/frame_000050.png`."""


def label_by_place(file: str) -> Label | None:
    """The label that a file's path says.

    Args:
        file: Its path; names count whatever their case, and the innermost folder that says something decides.

    Returns:
        The label, or None where no folder says anything.

    Convention:
        FaceForensics++: `original_sequences/SOURCE/[COMPRESSION/][videos/]CLIP.mp4` and
        `manipulated_sequences/METHOD/...`; frames lie in a folder of the clip's name, or have names that begin with it.
        Else `[DATASET/]real/...` and `fake/...`: below them a video is itself, a picture belongs to the video whose
        folder it is in, and a folder above that is the method: `fake/Deepfakes/519_515/0050.png`. A picture in no
        further folder is a video of its own. What `repost faces` cut out, `clip_000050.png`, lies where `clip.mp4` lay
        and belongs to it.
    """
    parts = [part for part in PurePath(file.replace("\\", "/")).parts if part != "/"]
    for place in range(len(parts) - 2, -1, -1):
        name, below = parts[place].lower(), parts[place + 1 :]
        if name in (_ORIGINAL, _MANIPULATED) and len(below) > 1:
            return _of_faceforensics(below, fake=name == _MANIPULATED)
        if name in (REAL, FAKE):
            return _of_two_folders(parts[place - 1] if place else "", below, fake=name == FAKE)
    return None


def _of_faceforensics(below: Sequence[str], *, fake: bool) -> Label:
    method, *folders = below[:-1]
    name = PurePath(below[-1])
    compression = next((folder for folder in folders if _COMPRESSION.fullmatch(folder)), "")
    clips = [folder for folder in folders if folder[0].isdigit()]  # and not "videos" or "faces"
    id_ = name.stem
    if name.suffix.lower() not in VIDEO_SUFFIXES:
        begins = _CLIPS[fake].match(name.stem)
        id_ = clips[-1] if clips else begins.group() if begins else _clip_of(name)
    return Label(fake, f"FaceForensics++ {compression}".strip(), method, id_)


def _of_two_folders(dataset: str, below: Sequence[str], *, fake: bool) -> Label:
    name, folders = PurePath(below[-1]), list(below[:-1])
    if name.suffix.lower() in VIDEO_SUFFIXES or not folders or _CUT_OUT.search(name.stem):
        folders.append(_clip_of(name))
    method = folders.pop(0) if len(folders) > 1 else FAKE if fake else REAL
    return Label(fake, dataset, method, "/".join(folders))


def _clip_of(name: PurePath) -> str:
    """The clip that a video is, or that a picture was cut out of; else the picture itself."""
    return name.stem if name.suffix.lower() in VIDEO_SUFFIXES else _CUT_OUT.sub("", name.stem)
