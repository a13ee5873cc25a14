"""From two folders to a profile with its measured fit."""

import resource

import pytest

from jpeg_samples import save
from pair_samples import jpeg, network, photo, rule, served_by
from repost.core.errors import OutputUnwritable, UsageError
from repost.estimation.about import About
from repost.estimation.images.estimate import Estimated, Examined, estimate_images, examine_pairs
from repost.estimation.pairing import pairs_by_name
from repost.estimation.progress import Progress

ABOUT = About("mine", "2026-05")
RESIZE = {"op": "resize", "fit": "long_side", "px": 150}
SIZES = [(240, 180), (180, 240), (200, 120), (130, 90), (100, 140), (220, 220)]


@pytest.fixture
def folders(tmp_path):
    """Shares photographs on a network: fills uploads/ and downloads/."""

    def make(profile, sizes=SIZES):
        for name in ("uploads", "downloads"):
            (tmp_path / name).mkdir()
        for index, size in enumerate(sizes):
            upload = save(photo(*size, at=7 * index), quality=95)
            (tmp_path / "uploads" / f"{index}.jpg").write_bytes(upload)
            (tmp_path / "downloads" / f"{index}.jpg").write_bytes(served_by(profile, upload, seed=index))
        return tmp_path / "uploads", tmp_path / "downloads"

    return make


def estimated(folders, **settings):
    pairs, _ = pairs_by_name(*folders)
    *progress, last = estimate_images(pairs, ABOUT, **settings)
    assert all(isinstance(one, Progress) for one in progress)
    assert isinstance(last, Estimated)
    return last


def test_the_fit_is_measured_on_pairs_that_were_left_out(folders):
    found = estimated(folders(network(RESIZE, jpeg(80))))
    assert [one.exact_share for one in found.verdicts] == [1.0] * len(SIZES)
    (one,) = found.profile.rules
    assert one.fit is not None
    assert (one.fit.n, one.fit.exact_share, one.fit.psnr_db_emulated) == (len(SIZES), 1.0, None)
    assert one.fit.psnr_db_source is not None
    assert one.fit.note is not None
    assert one.fit.note.startswith("6 of 6 (95 %: 0.61 to 1.00) exact")
    assert (found.refused, found.misfits) == ((), ())


def test_a_drawn_quality_is_judged_at_the_quality_served(folders):
    found = estimated(folders(network(RESIZE, jpeg({"choice": [60, 75, 90]}))))
    assert len({one.treatment.quality for one in found.findings}) > 1
    assert [one.exact_share for one in found.verdicts] == [1.0] * len(SIZES)


def test_an_upload_that_a_rule_cannot_take_is_no_success(folders):
    """One large upload shows a rule of its own; the rules learned without it must fail on it, and the fit say so."""
    true = network(rules=[rule(jpeg(50, subsampling="4:4:4"), long_side_px={"over": 235}), rule(jpeg(80))])
    found = estimated(folders(true, [(240, 180), (220, 220), (220, 160), (130, 90), (100, 140)]))
    exact = {one.name: one.exact_share == 1 for one in found.verdicts}
    assert exact == {"0": False, "1": True, "2": True, "3": True, "4": True}


def test_every_pair_has_a_verdict_when_rules_fail(folders):
    """PNG among JPEGs that were transcoded: no rule learned without it knows what to do."""
    true = network(rules=[rule({"op": "transcode"}, format=["jpeg"]), rule(jpeg(80))])
    uploads, downloads = folders(true, SIZES[:4])
    png = save(photo(160, 120), "PNG")
    (uploads / "png.png").write_bytes(png)
    (downloads / "png.jpg").write_bytes(served_by(true, png))
    found = estimated((uploads, downloads))
    assert {one.name for one in found.verdicts} == {one.name for one in found.findings}
    assert sum(one.fit.n for one in found.profile.rules if one.fit) == len(found.findings)


def test_one_pair_has_no_verdict(folders):
    found = estimated(folders(network(jpeg(80)), SIZES[:1]))
    assert (len(found.findings), found.verdicts, found.profile.rules[0].fit) == (1, (), None)


def test_no_usable_pair_says_why(folders):
    uploads, downloads = folders(network(jpeg(80)), SIZES[:2])
    for path in downloads.iterdir():
        path.write_bytes(b"")
    with pytest.raises(UsageError, match=r"(?s)2 pairs, none.*empty"):
        estimated((uploads, downloads))
    with pytest.raises(UsageError, match="no pair"):
        list(estimate_images([], ABOUT))


def test_bad_pairs_are_rows_and_the_others_go_on(folders):
    uploads, downloads = folders(network(RESIZE, jpeg(80)))
    (downloads / "1.jpg").write_bytes((downloads / "1.jpg").read_bytes()[:900])
    (downloads / "2.jpg").write_bytes(b"not found")
    (downloads / "3.jpg").write_bytes((downloads / "0.jpg").read_bytes())
    for folder in (uploads, downloads):
        (folder / "copy.jpg").write_bytes((folder / "0.jpg").read_bytes())
    found = estimated((uploads, downloads))
    reasons = {one.name: one.reason for one in found.refused}
    assert set(reasons) == {"1", "2", "3", "copy"}
    assert "truncated" in reasons["1"]
    assert "expected an image" in reasons["2"]
    assert "different pictures" in reasons["3"]
    assert "the same two files as '0'" in reasons["copy"]
    assert [one.name for one in found.findings] == ["0", "4", "5"]


def test_pairs_of_one_upload_are_never_on_both_sides(folders):
    """The same upload shared twice: the rules that are judged on it were learned without either download."""
    true = network(jpeg({"choice": [60, 90]}))
    uploads, downloads = folders(true, [SIZES[0]])
    data = (uploads / "0.jpg").read_bytes()
    for seed in range(1, 6):
        (uploads / f"{seed}.jpg").write_bytes(data)
        (downloads / f"{seed}.jpg").write_bytes(served_by(true, data, seed=seed))
    found = estimated((uploads, downloads))
    assert len(found.findings) == 2
    assert len(found.refused) == 4


def test_findings_are_kept_and_redone_where_a_file_changed(folders, tmp_path, monkeypatch):
    uploads, downloads = folders(network(RESIZE, jpeg(80)))
    pairs, _ = pairs_by_name(uploads, downloads)
    kept = tmp_path / "kept"
    (*_, first) = examine_pairs(pairs, folder=kept)
    examined = []

    def count(upload, served, *, name, max_pixels):
        examined.append(name)
        return real(upload, served, name=name, max_pixels=max_pixels)

    import repost.estimation.images.examine as module

    real = module.examine_pair
    monkeypatch.setattr(module, "examine_pair", count)
    (*_, second) = examine_pairs(pairs, folder=kept)
    assert isinstance(second, Examined)
    assert (second, examined) == (first, [])
    changed = save(photo(240, 180), quality=97)
    (uploads / "0.jpg").write_bytes(changed)
    (*_, third) = examine_pairs(pairs, folder=kept)
    assert examined == ["0"]
    assert isinstance(third, Examined)
    assert len(third.findings) == len(SIZES)


@pytest.mark.parametrize("kept", [True, False])
def test_a_full_disk_promises_to_go_on_only_from_findings_that_are_kept(folders, tmp_path, kept):
    """A real write failure: the process may not make files over a limit, as with a full disk."""
    pairs, _ = pairs_by_name(*folders(network(RESIZE, jpeg(80))))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OutputUnwritable) as raised:
            list(examine_pairs(pairs, folder=tmp_path / "kept" if kept else None))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ("goes on from there" in str(raised.value)) == kept
    assert ("make room" in str(raised.value)) != kept


def test_workers_change_nothing(folders, tmp_path):
    pairs, _ = pairs_by_name(*folders(network(RESIZE, jpeg(80)), SIZES[:3]))
    alone = list(examine_pairs(pairs, folder=tmp_path / "one"))[-1]
    assert list(examine_pairs(pairs, folder=tmp_path / "two", jobs=2))[-1] == alone
