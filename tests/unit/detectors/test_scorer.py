"""Cards, the scorer and the check of labels."""

import subprocess
import sys
import tomllib

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from keras_oracle import random_layers, write_h5
from repost.core.errors import DetectorNotFound, InvalidPixels, UsageError, WeightsNotFound
from repost.detectors import card_names, check_labels, find_card, list_cards, load
from repost.detectors.card import CARDS, DetectorCard
from repost.detectors.networks import NETWORKS, build


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    return load("meso4", write_h5(tmp_path_factory.mktemp("w") / "w.h5", random_layers("meso4", 7)))


def faces(count: int, side_px: int, seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, (count, 8, 8, 3), np.uint8)
    return [np.asarray(Image.fromarray(one).resize((side_px, side_px), Image.Resampling.BICUBIC)) for one in small]


def test_every_card_says_how_to_feed_and_read_a_network():
    assert {card.network for card in list_cards()} == set(NETWORKS)
    for card in list_cards():
        assert card.name == card.name.lower()
        assert find_card(f" {card.name.upper()} ") is card
        assert build(card.network)(torch.rand(2, 3, 256, 256)).shape == (2, 1 if card.head.kind == "sigmoid" else 2)
        assert card.known_failures, "no detector is without"
        for figure in (*card.claimed, *card.remeasured):
            assert 0 <= figure.value <= 1
            assert figure.source
        assert all(figure.n for figure in card.remeasured)


@pytest.mark.shared
def test_checksums_of_the_files_that_are_here_are_right(shared_data):
    from repost.core.files import digest_file

    for card in list_cards():
        for source in card.sources:
            path = shared_data / "weights" / "mesonet" / source.url.rpartition("/")[2]
            if path.exists():
                assert (source.size_bytes, source.sha256) == (path.stat().st_size, digest_file(path))


def test_a_card_with_an_unknown_field_is_refused():
    parsed = tomllib.loads((CARDS / "meso4-df.toml").read_text())
    for change in (
        {"extra": 1},
        {"name": "Meso 4"},
        {"network": "resnet"},
        {"head": parsed["head"] | {"fake_index": 2}},
    ):
        with pytest.raises(ValidationError):
            DetectorCard.model_validate(parsed | change)


def test_an_architecture_has_the_conventions_of_its_best_known_weights_and_none_of_their_numbers():
    card, best = find_card("xception"), find_card("xception-ffpp-c23")
    assert (card.name, card.input, card.head.fake_index) == ("xception", best.input, 1)
    assert not card.sources
    assert not card.claimed


def test_names_that_are_nearly_right_are_suggested():
    with pytest.raises(DetectorNotFound, match="did you mean 'meso4-df'") as caught:
        load("meso4df")
    assert caught.value.available == tuple(sorted({*card_names(), *NETWORKS}))


def test_weights_are_never_fetched_unasked(monkeypatch, tmp_path):
    monkeypatch.setenv("REPOST_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsNotFound, match=r"`repost weights fetch meso4-df`.*`repost weights add FILE`"):
        load("meso4-df")
    with pytest.raises(WeightsNotFound, match=r"'meso4' is an architecture.*meso4-df, meso4-f2f"):
        load("meso4")


def test_finding_a_card_loads_no_torch():
    program = (
        "import sys; from repost.detectors import find_card, check_labels, load; find_card('meso4-df');"
        "assert not {'torch', 'h5py', 'PIL', 'cv2'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.parametrize("name", card_names())
def test_convention_the_output_is_the_logit_of_fake(tmp_path, name):
    """Of a card of every kind: with the class that the card calls fake made likelier the score rises by as much."""
    card = find_card(name)
    if card.network == "xception" and name != "xception-ffpp-c23":
        pytest.skip("one Xception is enough")
    torch.manual_seed(0)
    network = build(card.network)
    state = network.state_dict()
    head = "last_linear.bias" if card.network == "xception" else "fc2.bias"
    torch.save(state, tmp_path / "before.pth")
    rise = torch.zeros_like(state[head])
    if card.head.kind == "logits":
        rise[card.head.fake_index] = 2.0
    else:
        rise[0] = 2.0 if card.head.fake_index == 1 else -2.0
    torch.save(state | {head: state[head] + rise}, tmp_path / "after.pth")
    pictures = faces(2, 96)
    before, after = (load(name, tmp_path / f"{when}.pth").score_pixels(pictures) for when in ("before", "after"))
    np.testing.assert_allclose(after - before, 2.0, atol=1e-4)


@pytest.mark.parametrize("resize", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("side_px", [64, 301, 256])
def test_tensors_and_pixels_are_resized_alike(tmp_path, resize, side_px):
    """Within what rounding to 8 bits makes: nearest and no resizing to the bit."""
    best = find_card("meso4-shared-bn")
    card = best.model_copy(update={"input": best.input.model_copy(update={"resize": resize})})
    torch.manual_seed(1)
    state = build("meso4-shared-bn").state_dict()
    state |= {name: 6 * value for name, value in state.items() if name in ("fc1.weight", "fc2.weight")}
    torch.save(state, tmp_path / "net.pth")
    scorer = load(card, tmp_path / "net.pth")
    given = faces(6, side_px)
    with torch.inference_mode():
        tensors = torch.as_tensor(np.stack(given)).permute(0, 3, 1, 2) / 255
        found = scorer(tensors).double().numpy()
    exact = resize == "nearest" or side_px == 256
    np.testing.assert_allclose(found, scorer.score_pixels(given), atol=1e-5 if exact else 0.05 * np.ptp(found))
    assert np.ptp(found) > 0.02


def test_a_device_that_is_not_there_is_told_in_our_words(tmp_path):
    path = write_h5(tmp_path / "w.h5", random_layers("meso4", 7))
    for asked in ("gpu", "cuda:99"):
        with pytest.raises(UsageError, match=f"got the device '{asked}', expected auto"):
            load("meso4", path, device=asked)
    assert load("meso4", path, device="auto").score_pixels(faces(1, 64)).shape == (1,)


def test_batches_of_any_number_and_order_give_the_same_scores(scorer):
    given = [*faces(3, 100), *faces(4, 180, seed=1), *faces(2, 256, seed=2)]
    scores = scorer.score_pixels(given)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scorer.score_pixels(given[::-1]), scores[::-1], atol=1e-5)
    np.testing.assert_allclose([scorer.score_pixels([one])[0] for one in given], scores, atol=1e-5)
    assert scorer.score_pixels([]).shape == (0,)
    assert scorer(torch.zeros(0, 3, 9, 9)).shape == (0,)


def test_gradients_reach_pixels_of_any_size(scorer):
    given = torch.rand(5, 3, 90, 70).requires_grad_()
    (gradient,) = torch.autograd.grad(scorer(given).sum(), given)
    assert all(float(one.abs().max()) > 0 for one in gradient)
    assert not any(parameter.requires_grad for parameter in scorer.module.parameters())


@pytest.mark.parametrize(
    "given", [torch.zeros(3, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 0, 8), torch.zeros(1, 3, 8, 8).byte(),
              torch.zeros(1, 3, 8, 8).double()]
)  # fmt: skip
def test_tensors_of_another_form_are_refused(scorer, given):
    with pytest.raises(InvalidPixels, match="expected float32"):
        scorer(given)


def test_pixels_of_another_form_are_refused(scorer):
    for wrong in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)):
        with pytest.raises(InvalidPixels, match="uint8"):
            scorer.score_pixels([wrong])


def test_the_file_is_on_record(scorer, tmp_path):
    from repost.core.files import digest_file

    path = write_h5(tmp_path / "w.h5", random_layers("meso4", 7))
    assert load("meso4", str(path)).weights_sha256 == digest_file(path)


def test_labels_that_are_swapped_raise_a_doubt_and_chance_does_not():
    card, draw = find_card("meso4-shared-bn"), np.random.default_rng(0)
    real, fake = draw.normal(0, 1, 40), draw.normal(1.5, 1, 40)
    assert check_labels(card, real, fake) is None
    doubt = check_labels(card, fake, real)
    assert doubt.auc < doubt.highest < 0.5
    assert (doubt.real_count, doubt.fake_count) == (40, 40)
    assert "the card says that output 0 is fake (Unproven" in str(doubt)
    assert check_labels(card, [3, 4, 5, 6], [0, 1, 2, 2.5]) is None, "four of each can be chance"
    assert check_labels(card, [3, 4, 5, 6, 7], [0, 1, 2, 2.5, 1]) is not None
    assert check_labels(card, [], [1.0]) is None
    with pytest.raises(UsageError):
        check_labels(card, [np.nan], [1.0])


def test_labels_are_rarely_doubted_without_cause():
    card, draw = find_card("meso4-df"), np.random.default_rng(1)
    doubts = sum(check_labels(card, draw.normal(size=20), draw.normal(size=15)) is not None for _ in range(2000))
    assert doubts / 2000 < 0.018, "one in a hundred, and chance"
