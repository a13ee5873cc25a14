"""Databases of compression samples for tests, and the published lookup in plain words."""

from repost.estimation.videos.reference import ReferenceDatabase, Sample


def sample(original, target, crf, **more):
    return Sample(original_res=original, target_res=target, crf=crf, **more)


def database(*samples, platform="Facebook", codec="libx264"):
    return ReferenceDatabase("samples.json", {platform: {codec: tuple(samples)}})


class FakeUpload:
    """What rules ask of an upload: its stored size and rotation flag."""

    format, codec, animated, has_alpha = "mp4", "h264", False, False

    def __init__(self, stored, rotation_deg=0):
        self.width_px, self.height_px = stored[::-1] if rotation_deg in (90, 270) else stored
        self.rotated = rotation_deg != 0

    def feature(self, name):
        width, height = self.width_px, self.height_px
        return {
            "width_px": width,
            "height_px": height,
            "pixel_count": width * height,
            "short_side_px": min(width, height),
            "aspect_ratio": width / height,
        }[name]


def rule_for(profile, upload):
    """The index and the rule that an upload follows."""
    return next((index, rule) for index, rule in enumerate(profile.rules) if rule.when.matches(upload, upload.feature))


def published_lookup(samples, stored, platform):
    """The published emulator's rules: (target, crf, profile) for an upload's stored size."""
    known = list(dict.fromkeys(one.original_res for one in samples))
    asked = f"{stored[0]}x{stored[1]}"
    if asked in known:
        match = asked
    else:
        match, least = None, float("inf")
        for resolution in known:
            width, height = map(int, resolution.split("x"))
            difference = abs(width * height - stored[0] * stored[1])
            if difference < least:
                match, least = resolution, difference
    target = next(one.target_res for one in samples if one.original_res == match)
    crfs = [one.crf for one in samples if one.target_res == target]
    return target, int(sum(crfs) / len(crfs)), "high" if platform == "Youtube" else "main"
