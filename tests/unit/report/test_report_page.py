"""The contact sheet: nothing breaks out of it, every link leads somewhere, every number is the one computed."""

import base64
import hashlib
import io
import re
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from PIL import Image

from repost.batch import Item
from repost.channel.compare import METRICS, compare
from repost.channel.files import ShareFiles
from repost.core.errors import OutputUnwritable
from repost.media.upload import Upload
from repost.platforms import Profile
from repost.report.contact_sheet import write_contact_sheet
from repost.report.demo import DrawnShares
from repost.report.html import element, join, link_to
from repost.report.shares import Share, share_of

HOSTILE = [
    "<img src=x onerror=alert(1)>\"'&.png",
    "javascript:alert(1)#a?b%41.png",
    "$title ${note} $$.png",
    "photo\u202egpj.exe.png",
    "line\nbreak\x1b[31m.png",
    "\udcff\udcfe.png",
    "ünïcødé 写真.png",
]


class Page(HTMLParser):
    """Elements in order, with their attributes, and the text inside each `data` element."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.data_values, self.ids, self._open = [], [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs).get("value") if tag == "data" else None
        if "id" in dict(attrs):
            self.ids.append(dict(attrs)["id"])

    def handle_data(self, data):
        if self._open is not None:
            self.data_values.append((self._open, data))
            self._open = None

    def all(self, tag, attribute):
        return [attributes[attribute] for name, attributes in self.elements if name == tag and attribute in attributes]


def profile_of(platform, *steps, unknown=()):
    return Profile.model_validate(
        {
            "platform": platform, "observed": "2024", "summary": "a test", "unknown": list(unknown),
            "evidence": [{"kind": "inferred", "source": "this test"}],
            "rules": [{"media": "image", "name": "all <b>of</b> them", "steps": list(steps)}],
        }
    )  # fmt: skip


PROFILES = {
    "small": profile_of(
        "small",
        {"op": "resize", "fit": "long_side", "px": 64},
        {"op": "encode", "codec": "jpeg", "quality": 60, "progressive": True},
        unknown=["rules.0.steps.0.kernel", "rules.0.steps.1.quality"],
    ),
    "marked": profile_of(
        "marked",
        {"op": "overlay", "corner": "top_left", "width_px": 20, "height_px": 10},
        {"op": "encode", "codec": "jpeg", "quality": 85},
    ),
    "same": profile_of("same", {"op": "passthrough"}),
}


def png(seed):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    small.resize((96, 72), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    """A page of hostile names, its shares, and its text."""
    out = tmp_path_factory.mktemp("sheet")
    (out / "photographs").mkdir()
    work = DrawnShares(ShareFiles(out, PROFILES, metrics=METRICS, named=frozenset(HOSTILE)))
    rows = []
    for number, name in enumerate(HOSTILE):
        source = out / "photographs" / name
        source.write_bytes(png(number))
        item = Item(name, source, tuple(PROFILES), f"{number} # ?%41 <b>")
        rows += [{**work.blank(item, row.part), **row.manifest_row()} for row in work.run(item, item.parts)]
    shares = [share_of(row) for row in rows]
    shares.append(Share("broken<script>.png", "small", "failed", "cannot be <b>decoded</b>: \x1b[0m"))
    page = write_contact_sheet(shares, out / "index.html", title="A <i>title</i> & more", note="<small print>")
    return out, shares, page.read_text(encoding="utf-8")


def test_hostile_names_stay_text(sheet):
    _, _, text = sheet
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= {
        "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "h3", "p", "main", "section",
        "details", "summary", "dl", "div", "dt", "dd", "footer", "script", "table", "caption", "thead", "tbody", "tr",
        "th", "td", "bdi", "wbr", "strong", "small", "span", "img", "figure", "figcaption", "input", "data", "code",
        "article",
    }  # fmt: skip
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert "${note}" in text.replace("<wbr>", "")  # not filled in as a placeholder
    assert "写真" in text


def test_every_link_leads_to_a_file_or_a_place_on_the_page(sheet):
    out, shares, text = sheet
    page = Page(text)
    links = page.all("a", "href") + page.all("img", "src")
    places = [link[1:] for link in links if link.startswith("#")]
    files = [link for link in links if not link.startswith("#")]
    assert len(set(page.ids)) == len(page.ids)
    assert set(places) <= set(page.ids)
    assert not [link for link in files if ":" in link or link.startswith("/")]
    missing = [link for link in files if not (out / unquote_to_bytes(link).decode(errors="surrogateescape")).is_file()]
    assert missing == []
    done = [share for share in shares if share.status == "done"]
    wanted = {link_to(path) for share in done for path in (share.output, share.pictures.upload, share.pictures.after)}
    assert wanted <= set(files)
    assert not re.search(r"https?:|url\(|@import", text)


def test_every_number_is_the_one_computed(sheet):
    """Oracle: the served file on disk, decoded again and compared again."""
    out, shares, text = sheet
    shown = Page(text).data_values
    for share in shares[:-1]:
        upload, served = (out / path for path in (share.pictures.upload, share.output))
        mask = np.zeros((share.trace.served.height_px, share.trace.served.width_px), bool)
        for left, top, right, bottom in share.trace.left_out:
            mask[top:bottom, left:right] = True
        found = compare(Upload.of(upload).picture.rgb8(), Upload.of(served).picture.rgb8(), mask=mask)
        numbers = [(found["psnr_db"], "{:.1f} dB"), (found["ssim"], "{:.3f}")]
        for number, form in numbers:
            if number is not None:
                assert (str(number), form.format(number)) in shown
        for path in (upload, served):
            size = path.stat().st_size
            assert any(value == str(size) and float(said.split()[0]) > 0 for value, said in shown)
        if share.platform == "same":
            assert found["identical"]
    assert text.count("identical") >= 2 * len(HOSTILE)  # in the overview and in the table
    values = [float(value) for value, _ in shown]
    assert np.isfinite(values).all()


def test_the_page_says_what_is_assumed_and_what_failed(sheet):
    _, _, text = sheet
    assert "<code>resize.kernel</code>, <code>encode.quality</code>" in text
    assert text.count(", rests on assumed parameters") == len(HOSTILE)
    assert "60?, 4:2:0, progressive" in text
    assert "failed: cannot be &lt;b&gt;decoded&lt;/b&gt;: \\x1b[0m" in text
    assert "A &lt;i&gt;title&lt;/i&gt; &amp; more" in text
    assert "&lt;small print&gt;" in text


def test_the_page_is_accessible_in_what_can_be_told_from_its_source(sheet):
    page = Page(sheet[2])
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert all("alt" in attributes and "width" in attributes and "height" in attributes for attributes in images)
    sliders = [attributes for tag, attributes in page.elements if tag == "input"]
    assert len(sliders) == len(PROFILES) * len(HOSTILE)
    assert all(attributes["type"] == "range" and attributes["aria-label"] for attributes in sliders)
    assert all(scope in ("row", "col") for scope in page.all("th", "scope"))
    labels = page.all("section", "aria-labelledby") + page.all("article", "aria-labelledby")
    assert set(labels) <= set(page.ids)


def test_only_its_own_script_may_run(sheet):
    text = sheet[2]
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputUnwritable, match="nowhere"):
        write_contact_sheet([], tmp_path / "nowhere" / "index.html", title="t")


def test_elements_escape_all_but_html():
    assert element("p", "<b>", element("i", "&"), title='"', hidden=True, id=None) == (
        '<p title="&quot;" hidden>&lt;b&gt;<i>&amp;</i></p>'
    )
    assert join(["<", element("wbr")], "&") == "&lt;&amp;<wbr>"
    assert link_to("a b/c#d?e:f%.png") == "a%20b/c%23d%3Fe%3Af%25.png"
