"""ComGAN: its networks, its recipe, what it reads and how it is judged."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch: Any = pytest.importorskip("torch")

from comgan_pairs import KNOWN, LAST, TILE_PX, TRUE, profile_of, tiles, write_pairs  # noqa: E402

from repost.channel.surrogate import SurrogateChannel  # noqa: E402
from repost.core.errors import InvalidPixels, InvalidWeights, UsageError  # noqa: E402
from repost.estimation.comgan import (  # noqa: E402
    ComGanRecipe,
    ComGanSettings,
    PublishedGenerator,
    ResidualUNet,
    closest_rule,
    judge,
    load_published,
    load_residual,
)
from repost.estimation.comgan.crops import Crops  # noqa: E402
from repost.pairs.dataset import PairedDataset, PairSettings  # noqa: E402
from repost.pairs.listing import open_pairs  # noqa: E402
from repost.platforms import Profile  # noqa: E402
from repost.report.comgan import describe_judged  # noqa: E402
from repost.training import TrainingSettings, train  # noqa: E402
from repost.training.foreign import read_foreign_weights  # noqa: E402

SETTINGS = ComGanSettings(widths=(12, 24), crop_px=48, validation_px=64, discriminator_width=8, learning_rate=3e-3)


def part(folder, split):
    return PairedDataset(open_pairs(folder), PairSettings(split=split, size="original"))


def recipe_of(folder, settings=SETTINGS, profile=KNOWN):
    return ComGanRecipe(profile, train=part(folder, "train"), validation=part(folder, "validation"), settings=settings)


@pytest.fixture(scope="module")
def trained(pairs, tmp_path_factory):
    settings = TrainingSettings(
        steps=150, batch_size=8, schedule="cosine", accelerator="cpu", validate_every=50, checkpoint_every=50
    )
    return train(recipe_of(pairs), settings, folder=tmp_path_factory.mktemp("comgan"))


class TestNetworks:
    @pytest.mark.parametrize("size", [(64, 64), (50, 61), (4, 3)])
    def test_a_new_residual_is_zero_at_any_size(self, size):
        assert not ResidualUNet()(torch.rand(1, 3, *size)).any()

    def test_a_new_comgan_is_the_profile_alone(self):
        pixels = torch.tensor(np.stack(tiles(2))).permute(0, 3, 1, 2).float() / 255
        with_it = SurrogateChannel(KNOWN, seed=0, residual=ResidualUNet())(pixels)
        assert torch.equal(with_it, SurrogateChannel(KNOWN, seed=0)(pixels))

    def test_a_residual_cannot_tell_where_it_is(self):
        """Convolutional: moved by whole strides, the picture gives the moved residual (away from the edges)."""
        torch.manual_seed(0)
        network = ResidualUNet((4, 8))
        torch.nn.init.normal_(network.last.weight)
        picture = torch.rand(1, 3, 64, 64)
        moved = torch.roll(picture, (8, 4), (2, 3))
        ours = torch.roll(network(picture), (8, 4), (2, 3))
        assert torch.allclose(network(moved)[..., 24:-16, 24:-16], ours[..., 24:-16, 24:-16], atol=1e-5)


class TestPublished:
    def test_it_has_the_published_parameters(self):
        """10.2 million of them; the names are those of the published code's state dict."""
        network = PublishedGenerator()
        assert sum(parameter.numel() for parameter in network.parameters()) == 10_191_171
        names = network.state_dict()
        assert names["conv5.0.main.3.weight"].shape == (512, 512, 3, 3)
        assert names["conv4m.0.conv1x1.weight"].shape == (256, 512, 1, 1)
        assert names["upsample21.0.weight"].shape == (64, 32, 4, 4)
        assert names["conv0.0.bias"].shape == (3,)
        assert len(names) == 111

    @pytest.mark.parametrize("prefix", ["", "module."])
    def test_a_saved_state_dict_gives_the_same_picture(self, tmp_path, prefix):
        torch.manual_seed(1)
        theirs = PublishedGenerator()
        torch.save({prefix + name: value for name, value in theirs.state_dict().items()}, tmp_path / "ComG.pth")
        ours = load_published(tmp_path / "ComG.pth")
        picture = torch.rand(1, 3, 32, 48)
        assert ours.training
        with torch.no_grad():
            assert torch.equal(ours(picture), theirs(picture))
        assert 0 <= ours(picture).min() <= ours(picture).max() <= 1

    def test_code_in_the_file_is_not_run(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "owned"), "w"))

        (tmp_path / "ComG.pth").write_bytes(pickle.dumps({"conv1.0.weight": Evil()}))
        with pytest.raises(InvalidWeights):
            load_published(tmp_path / "ComG.pth")
        assert not (tmp_path / "owned").exists()

    def test_other_tensors_and_other_sizes_are_refused(self, tmp_path):
        torch.save({"conv1.0.weight": torch.zeros(3)}, tmp_path / "other.pth")
        with pytest.raises(InvalidWeights, match=r"conv0\.0\.bias.*PublishedGenerator"):
            load_published(tmp_path / "other.pth")
        assert read_foreign_weights(tmp_path / "other.pth")
        with pytest.raises(UsageError, match="got pictures of 40x32, expected sides that are multiples of 16"):
            PublishedGenerator()(torch.rand(1, 3, 32, 40))


class TestTraining:
    def test_it_comes_closer_than_the_profile_alone(self, pairs, trained):
        judged = judge(KNOWN, load_residual(trained.weights["residual"]), part(pairs, "test"), size_px=64)
        assert judged.n > 5
        assert judged.gain_db > 0.5
        assert judged.gain_db_interval[0] > 0
        assert judged.gains
        assert "no gain" not in describe_judged(judged)
        assert judged.psnr_db_profile + judged.gain_db == pytest.approx(judged.psnr_db)
        assert trained.scores["psnr_db"] > trained.scores["psnr_db_profile"]

    def test_its_weights_say_what_they_are(self, trained):
        residual = load_residual(trained.weights["residual"])
        assert residual.widths == (12, 24)
        assert not residual.training
        assert set(trained.weights) == {"residual"}

    def test_without_a_discriminator_it_has_one_network(self, pairs):
        settings = ComGanSettings(adversarial_weight=0, crop_px=32, validation_px=64)
        assert set(recipe_of(pairs, settings).networks()) == {"residual"}

    def test_what_decides_the_result_is_in_the_digest(self, pairs):
        digests = {
            recipe_of(pairs).digest(),
            recipe_of(pairs, ComGanSettings(widths=(12,), crop_px=48, validation_px=64)).digest(),
            recipe_of(pairs, profile=TRUE).digest(),
        }
        assert len(digests) == 3
        assert recipe_of(pairs).digest() in digests

    def test_crops_depend_on_the_epoch_and_the_index_alone(self, pairs):
        crops = Crops(part(pairs, "train"), size_px=32, seed=1)
        first = crops[3].original
        crops[5]
        assert torch.equal(crops[3].original, first)
        crops.set_epoch(1)
        moved = [not torch.equal(crops[index].original, first) for index in (3,)]
        crops.set_epoch(0)
        assert torch.equal(crops[3].original, first)
        assert any(moved)


class TestBadPairs:
    def test_pairs_of_unequal_size_are_named(self, tmp_path):
        folder = write_pairs(tmp_path, tiles(30))
        for served in (folder / "transmission_images" / "facebook").iterdir():
            Image.open(served).resize((48, 48)).save(served)
        crops = Crops(PairedDataset(open_pairs(folder)), size_px=32, seed=0)
        with pytest.raises(InvalidPixels, match=r"the pair \S+ of 64x64 px and 48x48 px, expected two .* one size"):
            crops[0]

    def test_crops_larger_than_the_pictures_are_named(self, pairs):
        with pytest.raises(InvalidPixels, match=r"of 64x64 px, expected at least 80 px a side"):
            Crops(part(pairs, "train"), size_px=80, seed=0)[0]

    @pytest.mark.parametrize("size_px", [0, 40])
    def test_crops_off_the_grid_are_refused(self, pairs, size_px):
        with pytest.raises(UsageError, match=f"got crops of {size_px} px, expected a multiple of 16"):
            Crops(part(pairs, "train"), size_px=size_px, seed=0)

    def test_damaged_weights_are_refused(self, trained, tmp_path):
        whole = trained.weights["residual"].read_bytes()
        (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InvalidWeights):
            load_residual(tmp_path / "cut.safetensors")


def test_the_closest_rule_is_found(pairs):
    rules = [
        {"media": "image", "name": "large", "when": {"width_px": {"over": 500}}, "steps": [*TRUE.rules[0].steps]},
        {"media": "image", "name": "small", "steps": [{"op": "encode", "codec": "jpeg", "quality": 5}]},
    ]
    either = Profile.model_validate(KNOWN.model_dump() | {"rules": rules})
    found = closest_rule(either, part(pairs, "train"), size_px=TILE_PX)
    assert (found.index, found.n) == (0, 16)


def test_no_gain_is_said_and_one_pair_has_no_interval(tmp_path):
    folder = write_pairs(tmp_path, tiles(1))
    judged = judge(KNOWN, ResidualUNet((4,)), PairedDataset(open_pairs(folder)), size_px=64)
    assert (judged.n, judged.gain_db, judged.gain_db_interval) == (1, 0, None)
    assert "unknown of one pair" in describe_judged(judged)
    assert "use the profile without this residual" in describe_judged(judged)
    json.loads(json.dumps(asdict(judged), allow_nan=False))


class TestCommand:
    def test_it_trains_judges_and_writes_a_card(self, pairs, tmp_path, cli):
        from repost.platforms.write import write_profile

        write_profile(profile_of(LAST), tmp_path / "known.toml")
        arguments = ["train", "comgan", "--pairs", pairs, "-p", tmp_path / "known.toml", "-o", tmp_path / "out"]
        arguments += ["--steps", 4, "--crop-px", 32, "--judge-px", 64, "--device", "cpu", "--json"]
        code, out, err = cli(*arguments)
        assert code == 0, err
        row = json.loads(out)
        assert row["steps"] == 4
        assert "note:" not in err
        assert row["test"]["n"] > 5
        card = (tmp_path / "out" / "MODEL_CARD.md").read_text()
        assert f"{row['test']['psnr_db']:.2f}" in card
        assert row["sha256"] in card
        assert json.loads(cli(*arguments)[1]) == row, "a finished training is not done again"

    def test_a_rule_that_is_not_there_is_told_before_anything_is_written(self, pairs, tmp_path, cli):
        arguments = ["--pairs", pairs, "-p", "facebook", "-o", tmp_path / "o", "--judge-px", 64, "--rule", 99]
        code, _, err = cli("train", "comgan", *arguments)
        assert code == 2
        assert "got rule_index=99, expected one of" in err
        assert not (tmp_path / "o").exists()

    def test_pairs_of_a_network_of_another_name_are_told(self, pairs, tmp_path, cli):
        arguments = ["--pairs", pairs, "-p", "twitter", "-o", tmp_path / "o", "--judge-px", 64, "--batch-size", 500]
        assert "note: the pairs are of facebook, and the profile is of twitter" in cli("train", "comgan", *arguments)[2]

    def test_a_batch_larger_than_the_pairs_is_an_error(self, pairs, tmp_path, cli):
        arguments = ["--pairs", pairs, "-p", "facebook", "-o", tmp_path / "o", "--judge-px", 64, "--batch-size", 500]
        code, _, err = cli("train", "comgan", *arguments)
        assert code == 2
        assert "training pairs for batches of 500, expected at least one batch" in err
        assert "--batch-size" in err

    def test_too_few_pairs_are_an_error(self, tmp_path, cli):
        folder = write_pairs(tmp_path / "pairs", tiles(6))
        code, _, err = cli("train", "comgan", "--pairs", folder, "-p", "wechat", "-o", tmp_path / "o", "--judge-px", 64)
        assert code == 2
        assert "of which none is in the" in err

    def test_damaged_pictures_are_found_before_the_training(self, tmp_path, cli):
        folder = write_pairs(tmp_path / "pairs", tiles(60))
        (folder / "transmission_images" / "facebook" / "000007.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        arguments = ["train", "comgan", "--pairs", folder, "-p", "facebook", "-o", tmp_path / "out", "--judge-px", 64]
        arguments += ["--steps", 1, "--crop-px", 32, "--device", "cpu"]
        code, _, err = cli(*arguments)
        assert (code, "000007.png" in err, "--skip-bad" in err) == (2, True, True)
        assert not (tmp_path / "out" / "checkpoints").exists()
        code, _, err = cli(*arguments, "--skip-bad")
        assert code == 0
        assert "left out: '000007.png on facebook'" in err

    def test_an_exact_profile_has_nothing_to_learn(self, tmp_path, cli):
        from repost.platforms.write import write_profile

        folder = write_pairs(tmp_path / "pairs", tiles(60), true=KNOWN)
        write_profile(KNOWN, tmp_path / "known.toml")
        arguments = ["train", "comgan", "--pairs", folder, "-p", tmp_path / "known.toml", "-o", tmp_path / "out"]
        code, out, _ = cli(*arguments, "--judge-px", 64, "--device", "cpu")
        assert (code, "reproduces 16 of 16 training pairs in every pixel" in out) == (1, True)
        assert not (tmp_path / "out").exists()
