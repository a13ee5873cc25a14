"""Probabilities against scikit-learn's logistic regression, verdicts against their promise on new videos."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from repost.core.errors import InputNotFound, UsageError
from repost.detectors.calibration import Calibration, fit_scores, load_calibration, opinion, save_calibration, sigmoid


def draw(rng, videos, *, frames=1, apart=2.0):
    """Scores of videos whose frames have something in common; kinds, and which video each is of."""
    kinds = np.repeat(np.arange(videos) % 2 == 1, frames)
    common = np.repeat(rng.normal(size=videos), frames)
    return apart * kinds + common + rng.normal(size=kinds.size), kinds, np.repeat(np.arange(videos), frames)


def test_the_curve_is_that_of_logistic_regression_with_platts_targets():
    rng = np.random.default_rng(3)
    logits, fake, video = draw(rng, 60)
    found = fit_scores(logits, fake, video, error_rate=0.1)
    target = np.where(fake, 31 / 32, 1 / 32)  # a soft target is both kinds, each in part
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(
        np.r_[logits, logits, -99.0][:-1, None], np.repeat([True, False], 60), np.r_[target, 1 - target]
    )
    assert found.slope == pytest.approx(expected.coef_[0, 0], rel=1e-4)
    assert found.intercept == pytest.approx(expected.intercept_[0], rel=1e-3, abs=1e-4)


def test_each_video_counts_alike_however_many_frames_it_has():
    logits, fake, video = draw(np.random.default_rng(0), 30)
    frames = np.r_[np.ones(15, int), np.full(15, 7)]
    repeated = fit_scores(*(np.repeat(one, frames) for one in (logits, fake, video)), error_rate=0.1)
    once = fit_scores(logits, fake, video, error_rate=0.1)
    assert (repeated.slope, repeated.intercept) == pytest.approx((once.slope, once.intercept), rel=1e-6)
    assert (repeated.fake_from, repeated.real_up_to) == (once.fake_from, once.real_up_to)
    assert (repeated.real_videos, repeated.fake_videos) == (15, 15)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), videos=st.integers(8, 60), levels=st.sampled_from([None, 2]))
def test_few_enough_of_each_kind_get_the_wrong_verdict(seed, videos, levels):
    """On the videos it was learned from, a new one added to them as the worst: exactly what is promised."""
    logits, fake, video = draw(np.random.default_rng(seed), videos)
    logits = np.round(logits * levels) if levels else logits
    assume(np.corrcoef(logits, fake)[0, 1] > 0)  # or it is refused
    found = fit_scores(logits, fake, video, error_rate=0.2)
    for kind, wrong in ((False, "fake"), (True, "real")):
        called = [found.verdict(float(one)) == wrong for one in logits[fake == kind]]
        if any(called) or sum(fake == kind) >= 4:
            assert (sum(called) + 1) / (len(called) + 1) <= 0.2 + 1e-9


def test_the_promise_holds_on_new_videos_on_average():
    """20 real videos, error rate 0.1: of new videos' frames at most a tenth is called fake, and not far fewer."""
    rng = np.random.default_rng(7)
    wrong = []
    for _ in range(80):
        found = fit_scores(*draw(rng, 40, frames=3, apart=1.0), error_rate=0.1)
        logits, fake, _ = draw(rng, 100, frames=3, apart=1.0)
        wrong.append(np.mean([found.verdict(float(one)) == "fake" for one in logits[~fake]]))
    assert 0.06 < np.mean(wrong) <= 0.115


def test_too_few_videos_never_allow_a_verdict():
    logits, fake, video = draw(np.random.default_rng(1), 36, apart=50.0)
    found = fit_scores(logits, fake, video, error_rate=0.05)
    assert (found.fake_from, found.real_up_to) == (None, None)
    assert {found.verdict(one) for one in (-1e9, 0.0, 1e9)} == {"unsure"}
    assert fit_scores(*draw(np.random.default_rng(1), 38, apart=50.0), error_rate=0.05).fake_from is not None


def test_what_is_well_apart_leaves_nothing_unsure():
    logits, fake, video = draw(np.random.default_rng(1), 60, apart=50.0)
    found = fit_scores(logits, fake, video, error_rate=0.1)
    assert [found.verdict(float(one)) for one in logits] == ["fake" if one else "real" for one in fake]
    middle = -found.intercept / found.slope
    assert (found.verdict(middle), found.verdict(np.nextafter(middle, -9e9))) == ("fake", "real")
    assert found.p_fake(middle) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("logits", "fake", "said"),
    [
        ([1.0, 2.0], [True, True], "got 2 fake and 0 real scores"),
        ([0.0] * 4, [True, True, False, False], "all alike"),
        ([0.0, 0.1, 1.0, 1.1], [True, True, False, False], "the wrong way round"),
    ],
)
def test_what_nothing_can_be_learned_from_is_told(logits, fake, said):
    with pytest.raises(UsageError, match=said):
        fit_scores(logits, fake, range(len(logits)), error_rate=0.1)


@pytest.fixture
def calibration():
    fit = fit_scores(*draw(np.random.default_rng(1), 40), error_rate=0.1)
    return Calibration(detector="meso4-df", error_rate=0.1, frame=fit, video=fit, learned_from="noise")


def test_a_calibration_is_read_as_it_was_written(calibration, tmp_path):
    save_calibration(calibration, tmp_path / "c.json")
    assert load_calibration(tmp_path / "c.json") == calibration


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": 2}'])
def test_what_is_no_calibration_is_told(tmp_path, text):
    with pytest.raises(InputNotFound):
        load_calibration(tmp_path / "c.json")
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(UsageError, match=r"c.json' is no calibration of a detector: "):
        load_calibration(tmp_path / "c.json")


def test_a_calibration_of_other_weights_is_refused(calibration):
    calibration.check("meso4-df", "a" * 64)
    with pytest.raises(UsageError, match="got a calibration of meso4-df, expected one of xception"):
        calibration.check("xception", None)
    with pytest.raises(UsageError, match="weights aaaaaaaaaaaa"):
        calibration.model_copy(update={"weights_sha256": "a" * 64}).check("meso4-df", "b" * 64)


def test_without_a_calibration_there_is_no_verdict(calibration):
    assert opinion(0.0, "frame", None).verdict is None
    assert opinion(2.0, "frame", None).p_fake == pytest.approx(1 / (1 + np.exp(-2)))
    assert opinion(99.0, "video", calibration).verdict == "fake"
    assert (sigmoid(1e4), sigmoid(-1e4)) == (1, 0)
