"""Write the pages that are made from the code: the JSON Schema of profiles and the table of bundled platforms.

    python docs/generate.py [--check]

With --check nothing is written, and pages that are out of date are named (exit 1). A test does the same.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from platforms_page import platforms_page

from repost.platforms import Profile
from repost.platforms.catalog import USER_FOLDER_VARIABLE

HERE = Path(__file__).parent
os.environ[USER_FOLDER_VARIABLE] = str(HERE / "schema")  # no profiles there: a person's own do not go into the pages


def pages() -> dict[Path, str]:
    """Every generated page and its content."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
    return {
        HERE / "schema" / "profile.schema.json": json.dumps(schema, indent=2) + "\n",
        HERE / "platforms.md": platforms_page(),
    }


def stale() -> list[Path]:
    """Pages whose file does not hold what the code says."""
    return [path for path, text in pages().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def main() -> None:
    """Write, or check."""
    if "--check" in sys.argv[1:]:
        for path in stale():
            print(f"out of date: {path.relative_to(HERE.parent)}; run `make docs`")
        sys.exit(1 if stale() else 0)
    for path in stale():
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
