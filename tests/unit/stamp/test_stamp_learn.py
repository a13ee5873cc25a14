"""The stamp's networks and recipe."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

torch = pytest.importorskip("torch")

from repost.core.errors import UsageError  # noqa: E402
from repost.platforms.catalog import default_profiles  # noqa: E402
from repost.stamp import load_model, scan, stamp  # noqa: E402
from repost.stamp.grid import cell_means, grid_over, luma_of  # noqa: E402
from repost.stamp.key import direction_of  # noqa: E402
from repost.stamp.learn import RECIPES, Photos, StampRecipe, StampRecipeSettings, export_model  # noqa: E402
from repost.stamp.learn.distort import add_noise, distort, save_as_jpeg, share, to_eight_bits  # noqa: E402
from repost.stamp.learn.geometry import Geometry, draw_geometry, untouched  # noqa: E402
from repost.stamp.learn.recipe import draw_carriers  # noqa: E402
from repost.stamp.learn.release import write_onnx  # noqa: E402
from repost.stamp.model import WEIGHTS  # noqa: E402
from repost.stamp.networks import Embedder, Extractor, mask  # noqa: E402
from repost.stamp.tile import lattice, lay, tile_of  # noqa: E402
from repost.stamp.weights import RELEASED  # noqa: E402
from repost.training import StepContext, TrainingSettings, read_weights, train  # noqa: E402
from repost.training.draws import seeded_context  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("photos")
    for name, pixels in {"a": data.astronaut(), "c": data.coffee(), "t": data.chelsea()}.items():
        Image.fromarray(pixels).save(found / f"{name}.png")
    return found


def context(step: int = 0, steps: int = 10):
    return seeded_context(0, "step", at=str(step), step=step, steps=steps, device=CPU)


def recipe(folder: Path, name: str = "rs_aug", **settings: object) -> StampRecipe:
    paths = sorted(folder.iterdir())
    told = StampRecipeSettings(**{"embedder_width": 8, "extractor_width": 8, **settings})  # type: ignore[arg-type]
    photos, selecting = Photos(paths[:2], size_px=192), Photos(paths[2:], size_px=192, seed=None)
    return StampRecipe(name, train=photos, validation=selecting, settings=told)  # type: ignore[arg-type]


def test_an_embedder_begins_as_the_masked_carrier() -> None:
    mean, deviation, carrier = torch.rand(2, 1, 96, 128), torch.rand(2, 1, 96, 128) / 10, torch.randn(2, 1, 96, 128)
    got = Embedder(8).eval()(mean, deviation, carrier)
    assert torch.allclose(got, torch.tanh(0.9 * carrier) * mask(mean, deviation), atol=1e-6)


def test_the_mask_is_a_share_and_opens_with_texture() -> None:
    smooth = torch.linspace(0.3, 0.7, 128).expand(1, 1, 96, 128).clone()
    busy = smooth + 0.1 * torch.randn(1, 1, 96, 128)
    quiet = mask(smooth, torch.zeros_like(smooth))
    open_ = mask(busy, torch.full_like(busy, 0.1))
    assert float(quiet.min()) > 0
    assert float(quiet.max()) < 0.35
    assert float(open_.mean()) > 0.8
    assert float(open_.max()) <= 1


def test_an_edge_does_not_open_its_smooth_side() -> None:
    edge = torch.zeros(1, 1, 96, 96)
    edge[..., 48:] = 1
    assert float(mask(edge, torch.zeros_like(edge)).max()) < 0.5


@pytest.mark.parametrize("size", [(48, 64), (96, 96), (136, 400)])
def test_onnx_gives_what_torch_gives(size: tuple[int, int], tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    for network, names in ((Extractor(8), ["mean"]), (Embedder(8), ["mean", "deviation", "carrier"])):
        network.eval()
        example = {name: torch.rand(1, 1, 96, 128) for name in names}
        write_onnx(network, tmp_path / "n.onnx", inputs=example)
        given = {name: torch.rand(1, 1, *size) for name in names}
        session = onnxruntime.InferenceSession(tmp_path / "n.onnx", providers=["CPUExecutionProvider"])
        (got,) = session.run(None, {name: plane.numpy() for name, plane in given.items()})
        with torch.no_grad():
            expected = network(*given.values()).numpy()
        assert got == pytest.approx(expected, abs=1e-5)


def test_carriers_are_tiles_of_random_keys() -> None:
    carriers = draw_carriers(64, context())
    assert carriers.shape == (64, 1, 96, 96)
    assert torch.allclose(carriers[..., :32, :32], carriers[..., 64:, 64:], atol=1e-6)  # periodic
    flat = carriers[:, 0, :64, :64].reshape(64, -1).numpy()
    assert np.square(flat).mean(1) == pytest.approx(1, abs=1e-3)
    spectrum = np.abs(np.fft.fft2(carriers[0, 0, :64, :64].numpy()))
    found = lattice()
    inside = spectrum[found.frequencies[:, 0], found.frequencies[:, 1]]
    assert np.square(inside).sum() == pytest.approx(np.square(spectrum).sum(), rel=1e-4)
    # equal within orbits: the same space as keys' tiles
    per_orbit = [inside[found.orbit == orbit] for orbit in range(found.dimensions)]
    assert max(float(np.ptp(values)) for values in per_orbit) < 1e-2 * inside.max()


def test_an_untouched_geometry_leaves_the_carrier() -> None:
    carrier = draw_carriers(2, context())
    geometry = untouched(2)
    assert not geometry.moves
    assert torch.allclose(geometry.carry(carrier), carrier, atol=1e-4)
    assert geometry.cells(torch.ones_like(carrier)) == pytest.approx([96 * 96, 96 * 96])


def test_pixels_and_carrier_are_carried_alike() -> None:
    """What a grid of the distorted picture shows is the carrier, distorted."""
    carrier = draw_carriers(4, context())
    picture = torch.nn.functional.interpolate(carrier, (384, 384), mode="bicubic") / 20 + 0.5
    for seed in range(6):
        geometry = draw_geometry(4, random.Random(seed))
        side = round(384 * min(1, geometry.level / 96))
        warped = torch.nn.functional.grid_sample(picture, geometry.places(side), align_corners=False)
        seen = torch.nn.functional.adaptive_avg_pool2d(warped, geometry.level)
        expected = geometry.carry(carrier)
        inside = (seen > 0.3) & (seen < 0.7) & (expected.abs() > 0)
        agreement = np.corrcoef(seen[inside].numpy(), expected[inside].numpy())[0, 1]
        assert agreement > 0.8


def test_eight_bits_round_and_let_gradients_through() -> None:
    pictures = torch.tensor([0.1, 0.5001, 1.2], requires_grad=True)
    levels = to_eight_bits(pictures)
    assert torch.allclose(levels * 255, torch.round(levels * 255), atol=1e-4)
    levels.sum().backward()
    assert pictures.grad is not None
    assert pictures.grad.tolist() == [1, 1, 0]


def test_jpeg_is_pillows_with_a_straight_gradient() -> None:
    import io

    pixels = data.astronaut()[:96, :96]
    given = (torch.as_tensor(pixels.copy()).permute(2, 0, 1)[None].float() / 255).requires_grad_()
    saved = save_as_jpeg(given, [60])
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=60)
    expected = np.asarray(Image.open(file))
    assert np.array_equal(np.rint(saved[0].detach().numpy() * 255).transpose(1, 2, 0), expected)
    saved.sum().backward()
    assert given.grad is not None
    assert torch.equal(given.grad, torch.ones_like(given))
    assert torch.equal(save_as_jpeg(given, [None]), given)


def test_sharing_is_the_exact_channel_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from repost.channel import emulate_image
    from repost.media.upload import Upload

    facebook = default_profiles("image")["facebook"]
    monkeypatch.setattr("repost.stamp.learn.distort._profiles", lambda: [facebook])
    pixels = data.astronaut()[:128, :128].copy()
    given = (torch.as_tensor(pixels).permute(2, 0, 1)[None].float() / 255).requires_grad_()
    got = share(given, random.Random(3))
    rng = random.Random(3)
    rng.choice([facebook])
    expected = emulate_image(Upload.of(pixels), facebook, seed=rng.getrandbits(32)).pixels
    assert np.array_equal(np.rint(got[0].detach().numpy() * 255).transpose(1, 2, 0), expected)
    got.sum().backward()
    assert given.grad is not None
    assert float(given.grad.min()) == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_distortions_are_repeatable_and_differentiable(channels: int) -> None:
    pictures = torch.rand(2, channels, 192, 192, requires_grad=True)
    for seed in range(5):
        drawn = [
            distort(
                pictures, draw_geometry(2, random.Random(seed)), random.Random(seed), torch.Generator().manual_seed(1)
            )
            for _ in range(2)
        ]
        assert torch.equal(*drawn)
        assert drawn[0].shape[:2] == (2, channels)
        (gradient,) = torch.autograd.grad(drawn[0].sum(), pictures)
        assert bool(torch.isfinite(gradient).all())


def test_mixed_precision_does_not_round_pictures() -> None:
    pictures, geometry = torch.rand(2, 1, 192, 192), untouched(2)
    for seed in range(8):
        plain = distort(pictures, geometry, random.Random(seed), torch.Generator().manual_seed(1))
        with torch.autocast("cpu", torch.bfloat16):
            mixed = distort(pictures, geometry, random.Random(seed), torch.Generator().manual_seed(1))
        assert torch.equal(plain, mixed)


def test_photos_that_are_many_are_not_all_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repost.stamp.learn.photos._MOST_KEPT", 2)
    photos = Photos(sorted(folder.iterdir()), size_px=64, seed=None)
    first = [photos[index] for index in range(3)]
    assert all(torch.equal(photos[index], before) for index, before in enumerate(first))
    assert len(photos._kept) == 2


def test_noise_has_its_sigma() -> None:
    noisy = add_noise(torch.zeros(2, 1, 200, 200), torch.tensor([0.0, 0.25]), torch.Generator().manual_seed(0))
    assert noisy.flatten(1).std(1).tolist() == pytest.approx([0, 0.25], abs=0.005)


def test_photos_depend_on_index_and_epoch_alone(folder: Path) -> None:
    photos, again = (Photos(sorted(folder.iterdir()), size_px=64, seed=3) for _ in range(2))
    assert len(photos) == 24
    assert torch.equal(photos[5], again[5])
    photos.set_epoch(1)
    assert not torch.equal(photos[5], again[5])
    middle = Photos(sorted(folder.iterdir()), size_px=64, seed=None)
    assert len(middle) == 3
    assert middle[0].shape == (3, 64, 64)
    assert photos.name(4) == "c.png"


def test_no_photos_and_wrong_settings_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="no photographs"):
        Photos([])
    with pytest.raises(UsageError, match="sigma"):
        StampRecipeSettings(sigma=2)
    with pytest.raises(UsageError, match="baseline, rs, rs_aug"):
        recipe(folder, name="rsaug")


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_takes_a_step(name: str, folder: Path) -> None:
    told = recipe(folder, name, augment=RECIPES[name].augment, sigma=RECIPES[name].sigma)  # type: ignore[index]
    networks = told.networks()
    batch = torch.stack([told.train_data()[index] for index in range(2)])
    (turn,) = told.step(networks, batch, context())
    total = sum(turn.losses.values())
    assert set(turn.losses) == {"detection", "residual", "perceptual"}
    total.backward()
    for network in networks.values():
        gradients = [one.grad for one in network.parameters()]
        assert all(gradient is not None and bool(torch.isfinite(gradient).all()) for gradient in gradients)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_stays_on_the_processor_while_networks_are_elsewhere(
    seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch's device without values refuses to be mixed with the processor, as a GPU does."""
    elsewhere = torch.device("meta")
    monkeypatch.setattr("repost.stamp.learn.distort._send", lambda pictures, rng: pictures)  # codecs need values
    monkeypatch.setattr(torch.Tensor, "__float__", lambda found: 0.0)
    taught = recipe(folder)
    networks = {name: network.to(elsewhere) for name, network in taught.networks().items()}
    told = StepContext(0, 10, elsewhere, torch.Generator(), random.Random(seed))
    batch = torch.empty(2, 3, 192, 192, dtype=torch.uint8, device=elsewhere)
    (turn,) = taught.step(networks, batch, told)
    assert {loss.device for loss in turn.losses.values()} == {elsewhere}
    assert set(taught.validate(networks, [batch], told)) == {"z_low", "z_mean", "wrong_key_deviation", "psnr_db"}


def test_a_recipe_is_told_apart_by_its_photographs(folder: Path) -> None:
    one = recipe(folder)
    other = StampRecipe(
        "rs_aug", train=Photos(sorted(folder.iterdir())[1:]), validation=Photos(sorted(folder.iterdir()))
    )
    assert one.digest() != other.digest()


@pytest.mark.slow
def test_a_short_training_learns_a_stamp_that_works(folder: Path, tmp_path: Path) -> None:
    told = recipe(folder, augment=False, sigma=0.0, embedder_width=8, extractor_width=24)
    settings = TrainingSettings(
        steps=200, batch_size=8, schedule="cosine", warmup_steps=10, accelerator="cpu", clip_norm=1
    )
    result = train(told, settings, folder=tmp_path / "run")
    export_model(result, tmp_path / "model", name="rs_aug", version=3)
    model = load_model(tmp_path / "model")
    photo = data.astronaut()
    assert scan(stamp(photo, "a", model=model), "a", model=model).p_value < 1e-3
    assert scan(stamp(photo, "a", model=model), "b", model=model).p_value > 1e-3


def test_the_released_networks_keep_their_bound() -> None:
    model = load_model()
    photo = data.astronaut()
    grid, plane = grid_over(512, 512), luma_of(photo)
    mean = cell_means(plane, grid)
    deviation = np.sqrt(np.maximum(cell_means(plane * plane, grid) - mean * mean, 0))
    carrier = lay(tile_of(direction_of("x", lattice().dimensions)), mean.shape, shift=(0, 0))
    residual = model.residual(mean, deviation, carrier)
    shown = [torch.as_tensor(part.copy())[None, None] for part in (mean, deviation)]
    bound = mask(*shown)[0, 0].numpy() * model.facts.cap_levels
    assert np.all(np.abs(residual) <= bound + 1e-4)


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_the_released_weights_are_those_of_the_released_networks(name: str) -> None:
    model = load_model(name)
    told = model.facts.training["recipe"]
    extractor, embedder = Extractor(told["extractor_width"]).eval(), Embedder(told["embedder_width"]).eval()
    for part, network in (("extractor", extractor), ("embedder", embedder)):
        read_weights(WEIGHTS / name / f"{part}.safetensors", recipe=name).load_into(network)
    mean, deviation, carrier = (np.random.default_rng(0).random((96, 128), np.float32) for _ in range(3))
    shown = [torch.as_tensor(part)[None, None] for part in (mean, deviation, carrier)]
    with torch.no_grad():
        assert model.estimate(mean) == pytest.approx(extractor(shown[0])[0, 0].numpy(), abs=1e-3)
        share = embedder(*shown)[0, 0].numpy()
    assert model.residual(mean, deviation, carrier) == pytest.approx(share * model.facts.cap_levels, abs=1e-3)


def test_a_geometry_tells_how_much_is_seen() -> None:
    half = Geometry(48, torch.diag(torch.tensor([0.5, 0.5, 1.0]))[None], torch.tensor([0.5]))
    assert half.cells(torch.ones(1, 1, 96, 96)) == pytest.approx([48 * 48])
