"""The settings found in pairs that networks really made, beside those the research table and the profiles list.

    python benchmarks/real_pairs.py [--shared DIR]

The expected settings are those of the bundled profile, which were read from these same files by hand and by other
scripts: this checks that the estimator finds the same by itself, and is no test on unseen data.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from environment import print_environment
from fidelity import PAIRS, SHARED
from repost.channel.image import emulate_image
from repost.estimation.images.pair import examine_pair
from repost.media.upload import Upload
from repost.platforms import resolve
from tables import print_table

SETTINGS = ("codec", "quality", "subsampling", "progressive", "quantiser", "kernel", "orient", "upsampling")


def main() -> None:
    """Examine and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    folder = parser.parse_args().shared / "data" / "platform_files"
    rows = []
    agreed = 0
    for name, uploaded, served in PAIRS:
        upload, download = (folder / uploaded).read_bytes(), (folder / served).read_bytes()
        finding = examine_pair(upload, download, name=Path(served).name)
        expected = _expected(name, upload)
        found = {setting: getattr(finding.treatment, setting) for setting in ("kind", *SETTINGS)}
        wrong = [
            f"{setting} {found[setting]} (profile: {value})"
            for setting, value in expected.items()
            if found[setting] not in (value, None)
        ]
        agreed += not wrong
        agreement = finding.agreement
        share = f"{agreement.exact_share:.4f}" if agreement else "-"
        before, after = (f"{size[0]}x{size[1]}" for size in (finding.size_before, finding.size_after))
        said = ", ".join(str(value) for value in found.values() if value not in (None, False))
        rows.append([name, before, after, share, said, "; ".join([*wrong, *finding.doubts]) or "agrees"])
    print_table(["profile", "upload", "served", "exact", "found", "against the profile"], rows)
    print(f"\nsettings agree with the profile in {agreed} of {len(PAIRS)} pairs; 'exact' is the share of pixels "
          "reproduced by the settings found")  # fmt: skip
    print_environment()


def _expected(name: str, upload: bytes) -> dict[str, Any]:
    """What the profile does to this upload, as its trace says."""
    trace = emulate_image(Upload(upload, name="upload"), resolve(name), seed=0).trace
    found: dict[str, Any] = {"kind": "encode"}
    for step in trace.steps:
        if step.op in ("passthrough", "transcode"):
            found["kind"] = step.op
        if step.op == "resize" and step.parameters["from"] != step.parameters["to"]:
            found["kernel"] = step.parameters["kernel"]
        if step.op == "encode":
            found |= {setting: step.parameters[setting] for setting in SETTINGS if setting in step.parameters}
        if step.op == "decode" and step.parameters["mattered"]:
            found["upsampling"] = step.parameters["upsampling"]
    return found


if __name__ == "__main__":
    main()
