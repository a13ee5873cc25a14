"""The contact sheet: a web page of photographs before and after sharing, which opens from disk."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

from repost.channel.trace import FileFacts, Trace
from repost.core.errors import OutputUnwritable
from repost.core.files import write_atomic
from repost.report import words
from repost.report.html import Html, element, join, link_to
from repost.report.pictures import GAIN, LONGEST_PREVIEW_PX
from repost.report.shares import Measured, Pictures, Share

_HERE = Path(__file__).parent
_TALLEST_REM = 38
"""The height at which tall pictures stop growing with the width of the window."""


def write_contact_sheet(shares: Sequence[Share], out: Path, *, title: str, note: str = "") -> Path:
    """Write the page.

    It needs no network: pictures are separate files beside it, style and script are inside. Everything in `shares` is
    escaped, so file names may come from anywhere.

    Args:
        shares: What to show, photograph by photograph in the order given. Their paths are relative to the page's
            folder.
        out: The HTML file; its folder exists.
        title: Of the page.
        note: Small print at its end, such as where the photographs come from.

    Returns:
        `out`.

    Raises:
        OutputUnwritable: It cannot be written.
    """
    numbered = list(enumerate(shares))
    sources = list(dict.fromkeys(share.source for share in shares))
    platforms = list(dict.fromkeys(share.platform for share in shares))
    script = (_HERE / "contact_sheet.js").read_text(encoding="utf-8")
    page = Template((_HERE / "contact_sheet.html").read_text(encoding="utf-8")).substitute(
        title=_name(title),
        lead=_lead(shares, sources, platforms),
        overview=_overview(numbered, sources, platforms),
        photographs=join([_photograph(numbered, source) for source in sources], "\n"),
        note=join([note]),
        gain=str(GAIN),
        longest_px=f"{LONGEST_PREVIEW_PX:,}",
        style=(_HERE / "contact_sheet.css").read_text(encoding="utf-8"),
        script=script,
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    try:
        write_atomic(out, page.encode("utf-8"))
    except OSError as error:
        raise OutputUnwritable(out, reason=str(error.strerror or error)) from error
    return out


def _name(text: str) -> Html:
    """A name from outside: escaped, and kept from turning the direction of the text around it."""
    return join([words.shown(text)])


def _bdi(text: str) -> Html:
    """A name on a line of its own direction, which may break after dots, dashes and the like."""
    pieces = re.findall(r"[^._/-]*[._/-]+|[^._/-]+", words.shown(text))
    return element("bdi", join(pieces, element("wbr")))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _lead(shares: Sequence[Share], sources: list[str], platforms: list[str]) -> Html:
    failed = sum(share.status != "done" for share in shares)
    text = (
        f"{_count(len(sources), 'photograph')} on {_count(len(platforms), 'platform')}: what a viewer would get, made "
        "here by repost from what is known of each platform. Nothing was uploaded."
    )
    return join([text + (f" {_count(failed, 'share')} could not be made; the page says why." if failed else "")])


# The overview


def _overview(numbered: list[tuple[int, Share]], sources: list[str], platforms: list[str]) -> Html:
    cells = {(share.source, share.platform): _cell(index, share) for index, share in numbered}
    heads = [element("th", "Photograph", scope="col")]
    heads += [element("th", _bdi(platform), scope="col") for platform in platforms]
    rows = [
        element("tr", _row_head(numbered, source), *(cells.get((source, name), element("td")) for name in platforms))
        for source in sources
    ]
    caption = element("caption", "Photographs by platform", class_="hidden")
    table = element(
        "table", caption, element("thead", element("tr", *heads)), element("tbody", join(rows, "\n")), class_="overview"
    )
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label="Overview table")


def _row_head(numbered: list[tuple[int, Share]], source: str) -> Html:
    place = next(index for index, share in numbered if share.source == source)
    drawn = next((share.pictures for _, share in numbered if share.source == source and share.pictures), None)
    thumb = element("img", src=link_to(drawn.before), alt="", loading="lazy", width=52, height=38) if drawn else Html()
    return element("th", element("a", thumb, _bdi(source), href=f"#photograph-{place}"), scope="row")


def _cell(index: int, share: Share) -> Html:
    if share.trace is None:
        text = element("a", element("strong", share.status), href=f"#share-{index}")
        return element("td", text, class_=share.status)
    measured = share.metrics or Measured()
    assumed = [name for name in share.trace.assumed if not name.startswith("metadata")]
    doubt = _doubt() if assumed else Html()
    below = f"SSIM {words.ssim_in_words(measured.ssim)} · {_bytes_share(share.trace)}"
    link = element("a", element("strong", _psnr(measured), doubt), element("small", below), href=f"#share-{index}")
    return element("td", link)


def _doubt() -> Html:
    mark = element("span", "?", aria_hidden="true", title="rests on assumed parameters")
    return join([" ", mark, element("span", ", rests on assumed parameters", class_="hidden")])


def _bytes_share(trace: Trace) -> str:
    before, after = trace.upload.size_bytes, trace.served.size_bytes
    return f"{100 * after / before:.0f} %" if before and after else words.NOTHING


# One photograph


def _photograph(numbered: list[tuple[int, Share]], source: str) -> Html:
    own = [(index, share) for index, share in numbered if share.source == source]
    place = own[0][0]
    heading = element("h2", _bdi(source), id=f"photograph-{place}")
    facts = next((_upload_facts(share.trace.upload) for _, share in own if share.trace), Html())
    return element(
        "section", heading, facts, *(_share(index, share) for index, share in own),
        class_="photograph", aria_labelledby=f"photograph-{place}",
    )  # fmt: skip


def _upload_facts(upload: FileFacts) -> Html:
    carries = words.metadata_in_words(upload.metadata)
    said = [words.size_in_words(upload), words.format_in_words(upload.format), words.bytes_in_words(upload.size_bytes)]
    return element("p", ", ".join(said) + f"; metadata: {carries}", class_="facts")


def _share(index: int, share: Share) -> Html:
    heading = element("h3", _bdi(share.platform), id=f"heading-{index}")
    ids = {"id": f"share-{index}", "aria_labelledby": f"heading-{index}"}
    if share.trace is None:
        reason = element("p", f"{share.status}: {words.shown(share.error or 'no reason given')}", class_="did")
        return element("article", heading, reason, class_=f"share {share.status}", **ids)
    did = element("p", words.shown(_sentence(share.trace.summary())), class_="did")
    views = [_numbers(share.trace, share.metrics or Measured())]
    if share.pictures:
        views = [_slider(share, share.pictures), _difference(share, share.pictures), *views]
    return element("article", heading, did, element("div", *views, class_="views"), class_="share", **ids)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _slider(share: Share, pictures: Pictures) -> Html:
    name, platform = words.shown(share.source), words.shown(share.platform)
    size = {"width": pictures.width_px, "height": pictures.height_px, "loading": "lazy", "draggable": "false"}
    slider = element(
        "div",
        element("img", src=link_to(pictures.before), alt=f"{name} as uploaded", class_="before", **size),
        element("img", src=link_to(pictures.after), alt=f"{name} as {platform} serves it", class_="after", **size),
        element("span", "Upload", class_="end", aria_hidden="true"),
        element("span", "Served", class_="end", aria_hidden="true"),
        element("div", class_="line", aria_hidden="true"),
        element("input", type="range", min=0, max=100, value=50, aria_label=f"{name}: upload against {platform}"),
        class_="slider frame",
        style=_frame(pictures),
    )
    links = [element("a", "Uploaded file", href=link_to(pictures.upload))]
    if share.output:
        links.append(element("a", "Served file", href=link_to(share.output)))
    return element(
        "figure",
        element("div", slider, class_="mat"),
        element("figcaption", element("span", join(links, " · ")), _reduced(pictures)),
    )


def _difference(share: Share, pictures: Pictures) -> Html:
    picture = element(
        "img",
        src=link_to(pictures.difference),
        alt=f"What {words.shown(share.platform)} changed in {words.shown(share.source)}, amplified {GAIN} times",
        width=pictures.width_px,
        height=pictures.height_px,
        loading="lazy",
    )
    block = "" if pictures.reduced == 1 else f", largest of each {pictures.reduced} × {pictures.reduced} px"
    if share.metrics and share.metrics.identical:
        block = ": none, all black"
    caption = element("figcaption", element("span", f"Difference × {GAIN}{block}"))
    link = element("a", picture, href=link_to(pictures.difference))
    frame = element("div", link, class_="frame", style=_frame(pictures))
    return element("figure", element("div", frame, class_="mat"), caption)


def _frame(pictures: Pictures) -> str:
    """Tall pictures stay on the screen, and small ones are not blown up beyond one and a half times."""
    widest_rem = _TALLEST_REM * pictures.width_px / pictures.height_px
    return f"max-width:min({widest_rem:.2f}rem,{3 * pictures.width_px // 2}px)"


def _reduced(pictures: Pictures) -> Html:
    return Html() if pictures.reduced == 1 else element("span", f"preview at 1 : {pictures.reduced}")


# The numbers


def _numbers(trace: Trace, measured: Measured) -> Html:
    before, after = trace.upload, trace.served
    rows = [
        _pair(
            "File",
            _file(before),
            join([_file(after), " ", element("span", f"({_bytes_share(trace)})", class_="whole")]),
        ),
        _pair("Size", words.size_in_words(before), words.size_in_words(after)),
        _pair("Metadata", words.metadata_in_words(before.metadata), words.metadata_in_words(after.metadata)),
        _single("Metadata lost", words.metadata_in_words(trace.metadata_lost)),
        _single("Quality", words.quality_in_words(trace)),
        _single("PSNR", element("strong", _psnr(measured))),
        _single("SSIM", element("strong", _ssim(measured))),
    ]
    if assumed := trace.assumed:
        listed = join([element("code", name) for name in assumed], ", ")
        rows.append(_single(join(["Assumed", element("span", " ?", aria_hidden="true")]), listed))
    ends = [element("th", text, scope="col") for text in ("Upload", "Served")]
    head = element("thead", element("tr", element("td"), *ends))
    caption = element("caption", _bdi(trace.profile), f" · rule “{words.shown(trace.rule)}”")
    return element("table", caption, head, element("tbody", *rows), class_="numbers")


def _pair(what: str, before: str, after: str) -> Html:
    return element("tr", element("th", what, scope="row"), element("td", before), element("td", after))


def _single(what: str, value: str) -> Html:
    return element("tr", element("th", what, scope="row"), element("td", value, colspan=2))


def _file(facts: FileFacts) -> Html:
    text = words.bytes_in_words(facts.size_bytes)
    size = element("data", text, value=facts.size_bytes) if facts.size_bytes is not None else join([text])
    return join([size, " ", words.format_in_words(facts.format)])


def _psnr(measured: Measured) -> Html:
    text = words.psnr_in_words(measured.psnr_db, identical=measured.identical)
    return join([text]) if measured.psnr_db is None else element("data", text, value=measured.psnr_db)


def _ssim(measured: Measured) -> Html:
    text = words.ssim_in_words(measured.ssim)
    return join([text]) if measured.ssim is None else element("data", text, value=measured.ssim)
