"""What a file's name may say about the network it came from: weak evidence, because names are changed freely.

Each pattern says where the knowledge comes from. "convention" is the way apps and servers are commonly seen to name
files, described in forums and forensic guides and not measured for repost; "shape" is no more than that a name looks
like one of theirs. A name moves the odds by a factor of 10 (convention) or 3 (shape) and never decides by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

CONVENTION_ODDS = 10.0
"""How much more often a network's file has such a name than another file has; a judgement, not a measurement. Names
are often changed when files are handed on, so it is kept far from what a perfect match would deserve."""

SHAPE_ODDS = 3.0
"""The same for names that other programs give too."""


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A way of naming files.

    Attributes:
        pattern: Matches the whole name, without folders.
        platforms: Networks that name files so, as profiles call them.
        words: What such a name is, in words; completes "the file name ...".
        kind: What kind of knowledge it is.
    """

    pattern: re.Pattern[str]
    platforms: tuple[str, ...]
    words: str
    kind: Literal["convention", "shape"]

    @property
    def odds(self) -> float:
        """The factor by which it raises the odds of its networks."""
        return CONVENTION_ODDS if self.kind == "convention" else SHAPE_ODDS


def _named(
    pattern: str, platforms: tuple[str, ...], words: str, kind: Literal["convention", "shape"] = "convention"
) -> NamePattern:
    flags = re.IGNORECASE if kind == "convention" else re.NOFLAG  # shapes tell capital from small letters
    return NamePattern(re.compile(pattern, flags), platforms, words, kind)


_PICTURE = r"\.(jpe?g|png|webp|heic|JPE?G|PNG|HEIC)"
_VIDEO = r"\.(mp4|mov|m4v|webm|MP4|MOV)"
_COPY = r"( ?\(\d+\))?"  # what browsers add to a second download

PATTERNS = (
    # Facebook's Android app saves as FB_IMG_<milliseconds since 1970>.
    _named(rf"FB_IMG_\d{{10,16}}{_COPY}{_PICTURE}", ("facebook",), "is as Facebook's app names saved pictures"),
    # Names of Facebook's and Instagram's delivery network: three numbers and a letter for the rendition.
    _named(
        rf"\d{{5,}}_\d{{5,}}_\d{{5,}}_[a-z]{_COPY}{_PICTURE}",
        ("facebook", "instagram"),
        "is as Facebook's and Instagram's servers name pictures",
    ),
    # WhatsApp saves as IMG-<date>-WA<number>, its web client as "WhatsApp Image <date> at <time>".
    _named(
        rf"(IMG-\d{{8}}-WA\d{{4}}|WhatsApp Image .+){_COPY}{_PICTURE}",
        ("whatsapp",),
        "is as WhatsApp names pictures",
    ),
    _named(
        rf"(VID-\d{{8}}-WA\d{{4}}|WhatsApp Video .+){_COPY}{_VIDEO}",
        ("whatsapp",),
        "is as WhatsApp names videos",
    ),
    # Telegram Desktop: photo_<date>_<time>, sometimes with a number or the sender before.
    _named(
        rf"photo_(\d+@)?\d{{2,4}}-\d{{2}}-\d{{2,4}}_\d{{2}}-\d{{2}}-\d{{2}}{_COPY}{_PICTURE}",
        ("telegram",),
        "is as Telegram names exported pictures",
    ),
    _named(
        rf"video_(\d+@)?\d{{2,4}}-\d{{2}}-\d{{2,4}}_\d{{2}}-\d{{2}}-\d{{2}}{_COPY}{_VIDEO}",
        ("telegram",),
        "is as Telegram names exported videos",
    ),
    # WeChat saves as mmexport<milliseconds>, its cache as wx_camera_<milliseconds>.
    _named(rf"(mmexport|wx_camera_)\d{{10,16}}{_COPY}{_PICTURE}", ("wechat",), "is as WeChat names saved pictures"),
    _named(rf"(mmexport|wx_camera_)\d{{10,16}}{_COPY}{_VIDEO}", ("wechat",), "is as WeChat names saved videos"),
    # Facebook's Android app: FB_VID_<milliseconds>; its and Instagram's servers name videos as they do pictures.
    _named(
        rf"(FB_VID_\d{{10,16}}|\d{{5,}}_\d{{5,}}_\d{{5,}}_n){_COPY}{_VIDEO}",
        ("facebook", "instagram"),
        "is as Facebook's and Instagram's apps and servers name videos",
    ),
    # v.redd.it names renditions by their height; googlevideo.com calls every video videoplayback.
    _named(rf"(DASH|CMAF)_\d{{3,4}}{_COPY}{_VIDEO}", ("reddit",), "is as Reddit's servers name renditions"),
    _named(rf"videoplayback{_COPY}{_VIDEO}", ("youtube",), "is as YouTube's servers name videos"),
    # Twitter media ids have 15 characters; its web addresses end in ?name=orig, large, ...
    _named(
        r".+\?(format=\w+&)?name=(orig|large|medium|small|\d+x\d+)",
        ("twitter",),
        "ends as Twitter's addresses of pictures do",
    ),
    _named(
        r"(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9_-]{15}(-orig|-large)?(\.jpe?g|\.png)",
        ("twitter",),
        "has 15 letters as Twitter's media ids do",
        "shape",
    ),
    _named(
        rf"(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9_-]{{16}}{_VIDEO}",
        ("twitter",),
        "has 16 letters as Twitter's names of videos do",
        "shape",
    ),
    # Weibo's picture ids: a user's id in base 62 or hexadecimal and 20 and more letters.
    _named(r"(00[0-9a-z]{6}|[0-9a-f]{8})(gy|ly)[0-9a-z]{15,}\.(jpe?g|heic)", ("weibo",), "is as Weibo names pictures"),
    _named(rf"tumblr_[0-9a-z_]{{10,}}{_PICTURE}", ("tumblr",), "is as Tumblr names pictures"),
    # LinkedIn's addresses end in the time in milliseconds when saved without an extension of their own.
    _named(rf"1[5-9]\d{{11}}{_PICTURE}", ("linkedin", "weibo"), "is a time in milliseconds", "shape"),
    # Discord names pasted pictures image.png and unknown.png; many programs do.
    _named(r"(image|unknown)\d*\.png", ("discord",), "is as Discord names pasted pictures", "shape"),
    # Flickr: photo id, secret, and a letter for the rendition.
    _named(r"\d{8,12}_[0-9a-f]{10}_[a-z0-9]{1,2}\.(jpe?g|png)", ("flickr",), "is as Flickr names renditions"),
    # Reddit's i.redd.it ids: 13 letters and digits in lower case; imgur's: 7 letters of either case.
    _named(r"(?=.*\d)(?=.*[a-z])[0-9a-z]{13}\.(jpe?g|png)", ("reddit",), "has 13 letters as Reddit's ids do", "shape"),
    _named(
        r"(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9]{7}\.(jpe?g|png)", ("imgur",), "has 7 letters as Imgur's ids do", "shape"
    ),
)  # fmt: skip


def match_name(name: str) -> NamePattern | None:
    """The way of naming a file's name follows.

    Args:
        name: A file name or path; the folders are left out.

    Returns:
        The first pattern that fits, those of a convention before those of a shape; None when none does.
    """
    last = re.split(r"[\\/]", name)[-1]
    fitting = [pattern for pattern in PATTERNS if pattern.pattern.fullmatch(last)]
    return min(fitting, key=lambda found: found.kind, default=None)
