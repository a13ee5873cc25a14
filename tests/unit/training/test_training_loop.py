"""The loop learns what is known in closed form, and a training that was stopped ends as one that was not."""

import csv
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_recipes import BIAS, MEAN, SPREAD, Gan, Points, Regression, ShiftingPoints, least_squares

from repost.core.errors import (
    CheckpointMismatch,
    InvalidCheckpoint,
    InvalidRecipe,
    NonFiniteLoss,
    OutputBusy,
    OutputUnwritable,
    UsageError,
)
from repost.core.lock import hold_lock
from repost.training import (
    CheckpointRefused,
    CheckpointWritten,
    StepFinished,
    TrainingFinished,
    TrainingInterrupted,
    TrainingSettings,
    TrainingStarted,
    Turn,
    Validated,
    device,
    read_weights,
    train,
)
from repost.training.device import chosen_device
from repost.training.draws import seeded_context
from repost.training.order import Order
from repost.training.settings import learning_rate_factor

SETTINGS = TrainingSettings(
    steps=37, batch_size=16, seed=3, schedule="cosine", warmup_steps=5, clip_norm=1.0, average_decay=0.9,
    accelerator="cpu", log_every=7, validate_every=10, checkpoint_every=9,
)  # fmt: skip


def noisy() -> Regression:
    return Regression(noise=0.2, dropout=0.3, normalised=True, train=ShiftingPoints(70, 1))


def outcome(folder: Path) -> dict[str, bytes]:
    return {
        **{path.name: path.read_bytes() for path in (folder / "weights").iterdir()},
        "metrics": (folder / "metrics.csv").read_bytes(),
    }


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


class Stop(Exception):
    """What stands for a power cut."""


def stop_after(step: int):
    def listen(event):
        if isinstance(event, StepFinished) and event.step == step:
            raise Stop

    return listen


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    train(noisy(), SETTINGS, folder=folder)
    return folder


def test_a_regression_reaches_the_closed_form(tmp_path):
    recipe = Regression(learning_rate=0.1)
    settings = replace(SETTINGS, steps=400, schedule="cosine", clip_norm=None, average_decay=None)
    result = train(recipe, settings, folder=tmp_path)
    solution, best_mse = least_squares(recipe.train)
    weights = read_weights(result.weights["line"]).tensors
    learned = torch.cat([weights["0.weight"][0], weights["0.bias"]])
    assert torch.allclose(learned, solution, atol=0.02)
    losses = [float(row["value"]) for row in rows(tmp_path) if row["name"] == "line/mse"]
    assert losses[0] > 20 * best_mse
    assert losses[-1] == pytest.approx(best_mse, rel=0.5)
    assert result.scores["mse"] < 0.02


def test_a_gan_learns_a_distribution_in_turns(tmp_path):
    recipe = Gan()
    settings = TrainingSettings(steps=1500, batch_size=64, accelerator="cpu", average_decay=0.99, log_every=100)
    result = train(recipe, settings, folder=tmp_path)
    weights = read_weights(result.weights["generator"], recipe="tiny-gan").tensors
    assert float(weights["bias"]) == pytest.approx(MEAN, abs=0.25)
    assert abs(float(weights["weight"])) == pytest.approx(SPREAD, abs=0.25)
    assert all(moved > 0 for _, moved in recipe.order)  # each generator's turn saw an updated discriminator
    assert set(result.weights) == {"generator"}
    assert result.best_step == 1500
    assert {row["name"] for row in rows(tmp_path)} == {
        "discriminator/real", "discriminator/fake", "discriminator/total", "discriminator/learning_rate",
        "generator/adversarial", "generator/shrink", "generator/total", "generator/learning_rate",
    }  # fmt: skip


def test_an_update_is_what_torch_does_by_itself(tmp_path):
    """The same regression written without the loop: items in its order, the rate of its schedule, clipped."""
    settings = replace(SETTINGS, average_decay=None, validate_every=1000)
    recipe = Regression(optimiser="sgd", validation=None)
    result = train(recipe, settings, folder=tmp_path)
    with torch.random.fork_rng(devices=[]):
        seeded_context(3, "initial weights", at="", step=0, steps=37, device=torch.device("cpu"))
        line = torch.nn.Linear(3, 1)
    optimiser = torch.optim.SGD(line.parameters(), 0.05, momentum=0.9)
    order = Order(64, batch_size=16, seed=3)
    batches = [batch for epoch in range(10) for batch in order.epoch(epoch)]
    for step in range(37):
        optimiser.param_groups[0]["lr"] = 0.05 * (
            (step + 1) / 6 if step < 5 else (1 + math.cos(math.pi * (step - 5) / 32)) / 2
        )
        optimiser.zero_grad()
        x, y = recipe.train.x[batches[step]], recipe.train.y[batches[step]]
        (line(x)[:, 0] - y).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(line.parameters(), 1.0)
        optimiser.step()
    weights = read_weights(result.weights["line"]).tensors
    assert torch.equal(weights["0.weight"], line.weight)
    assert torch.equal(weights["0.bias"], line.bias)


@pytest.mark.parametrize("at", [1, 9, 10, 22, 36])
def test_a_training_that_died_and_is_resumed_ends_as_one_that_did_not(tmp_path, whole, at):
    with pytest.raises(Stop):
        train(noisy(), SETTINGS, folder=tmp_path, progress=stop_after(at))
    with (tmp_path / "metrics.csv").open("ab") as stream:
        stream.write(b"40,train,torn")
    result = train(noisy(), SETTINGS, folder=tmp_path)
    assert result.resumed_from == (at - 1) - (at - 1) % 9  # it died before its own checkpoint
    assert outcome(tmp_path) == outcome(whole)


def test_dying_at_every_checkpoint_changes_nothing(tmp_path, whole):
    for at in (12, 20, 30):
        with pytest.raises(Stop):
            train(noisy(), SETTINGS, folder=tmp_path, progress=stop_after(at))
    train(noisy(), SETTINGS, folder=tmp_path)
    assert outcome(tmp_path) == outcome(whole)


def test_a_gan_that_died_is_resumed_to_the_same_weights(tmp_path):
    settings = TrainingSettings(steps=40, batch_size=64, accelerator="cpu", checkpoint_every=15, average_decay=0.9)
    train(Gan(), settings, folder=tmp_path / "whole")
    with pytest.raises(Stop):
        train(Gan(), settings, folder=tmp_path / "died", progress=stop_after(29))
    train(Gan(), settings, folder=tmp_path / "died")
    assert outcome(tmp_path / "died") == outcome(tmp_path / "whole")


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])  # by Ctrl-C and by SIGTERM
def test_a_signal_ends_the_step_and_leaves_a_checkpoint(tmp_path, optimiser):
    settings = replace(SETTINGS, checkpoint_every=1000)
    train(Regression(optimiser=optimiser), settings, folder=tmp_path / "whole")
    events: list[object] = []
    with pytest.raises(KeyboardInterrupt):
        train(
            Regression(optimiser=optimiser, signal_at=17), settings, folder=tmp_path / "stopped",
            progress=events.append,
        )  # fmt: skip
    assert events[-1] == TrainingInterrupted(18)
    result = train(Regression(optimiser=optimiser), settings, folder=tmp_path / "stopped")
    assert result.resumed_from == 18
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")


def test_where_it_runs_may_change_when_it_is_resumed(tmp_path, whole):
    with pytest.raises(Stop):
        train(noisy(), SETTINGS, folder=tmp_path, progress=stop_after(20))
    train(noisy(), replace(SETTINGS, checkpoint_every=4, keep=5, accelerator="auto"), folder=tmp_path)
    assert outcome(tmp_path) == outcome(whole)


def test_a_finished_training_returns_at_once(tmp_path):
    first = train(Regression(), SETTINGS, folder=tmp_path)
    before = outcome(tmp_path)
    again = Regression()
    events: list[object] = []
    result = train(again, SETTINGS, folder=tmp_path, progress=events.append)
    assert not again.seen
    assert not again.train.loaded
    assert events == [TrainingFinished(result)]
    assert result == replace(first, resumed_from=37)
    assert outcome(tmp_path) == before


def test_events_tell_all_that_happens(tmp_path):
    events: list[object] = []
    result = train(Regression(), SETTINGS, folder=tmp_path, progress=events.append)
    assert events[0] == TrainingStarted("regression", 0, 37, 64, "cpu")
    assert events[-1] == TrainingFinished(result)
    assert [event.step for event in events if isinstance(event, StepFinished)] == list(range(1, 38))
    assert [event.step for event in events if isinstance(event, Validated)] == [10, 20, 30, 37]
    assert [event.step for event in events if isinstance(event, CheckpointWritten)] == [9, 18, 27, 36, 37]
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step_00000036.safetensors", "step_00000037.safetensors",
    ]  # fmt: skip


def test_the_log_holds_means_over_its_steps(tmp_path):
    events: list[StepFinished] = []
    train(
        Regression(), SETTINGS, folder=tmp_path,
        progress=lambda event: events.append(event) if isinstance(event, StepFinished) else None,
    )  # fmt: skip
    logged = {int(row["step"]): float(row["value"]) for row in rows(tmp_path) if row["name"] == "line/mse"}
    assert list(logged) == [7, 14, 21, 28, 35, 37]
    each = [event.losses["line/mse"] for event in events]
    assert logged[14] == pytest.approx(sum(each[7:14]) / 7)
    assert logged[37] == pytest.approx(sum(each[35:37]) / 2)


def test_validation_selects_and_its_draws_are_the_same_each_time(tmp_path):
    """A rate so high that the error rises again: the best of the validations is shipped, not the last."""
    recipe = Regression(learning_rate=0.3, optimiser="sgd")
    settings = replace(SETTINGS, schedule="constant", average_decay=None, clip_norm=None, validate_every=3)
    result = train(recipe, settings, folder=tmp_path)
    scores = {
        int(r["step"]): float(r["value"]) for r in rows(tmp_path) if (r["phase"], r["name"]) == ("validation", "mse")
    }
    assert result.best_step == min(scores, key=scores.__getitem__) != 37
    assert result.scores["mse"] == scores[result.best_step]
    assert len({row["value"] for row in rows(tmp_path) if row["name"] == "draw"}) == 1
    weights = read_weights(result.weights["line"])
    network = recipe.networks()["line"]
    weights.load_into(network)
    points = recipe.validation
    mse = float((network(points.x)[:, 0] - points.y).square().mean().detach())
    assert mse == pytest.approx(result.scores["mse"], rel=1e-5)
    assert (weights.card.step, weights.card.scores) == (result.best_step, dict(result.scores))


def test_the_averaged_weights_are_validated_and_shipped(tmp_path):
    weights: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Watched(Regression):
        def step(self, networks, batch, context):
            yield from super().step(networks, batch, context)
            weights.append((networks["line"][0].weight.detach().clone(), networks["line"][0].bias.detach().clone()))

    result = train(Watched(validation=None), SETTINGS, folder=tmp_path)
    with torch.random.fork_rng(devices=[]):
        seeded_context(3, "initial weights", at="", step=0, steps=37, device=torch.device("cpu"))
        average = torch.nn.Linear(3, 1).weight.detach().double()
    for step, (weight, _) in enumerate(weights):
        decay = min(0.9, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weight.double()
    shipped = read_weights(result.weights["line"]).tensors["0.weight"]
    assert torch.allclose(shipped.double(), average, atol=1e-6)
    assert not torch.allclose(shipped, weights[-1][0], atol=1e-4)


def test_another_seed_gives_other_weights_and_the_callers_generator_is_left_alone(tmp_path, whole):
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    train(noisy(), replace(SETTINGS, seed=4), folder=tmp_path)
    assert torch.equal(torch.rand(2), expected)
    assert outcome(tmp_path)["line.safetensors"] != outcome(whole)["line.safetensors"]


def test_mixed_precision_learns_and_keeps_full_weights(tmp_path):
    settings = replace(SETTINGS, steps=200, precision="bf16-mixed", schedule="cosine")
    kinds: set[torch.dtype] = set()

    class Watched(Regression):
        def step(self, networks, batch, context):
            kinds.add(networks["line"](batch[0]).dtype)
            yield from super().step(networks, batch, context)

    result = train(Watched(learning_rate=0.1), settings, folder=tmp_path)
    weights = read_weights(result.weights["line"]).tensors
    assert kinds == {torch.bfloat16}
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert float(weights["0.bias"]) == pytest.approx(BIAS, abs=0.1)
    with pytest.raises(Stop):
        train(Regression(learning_rate=0.1), settings, folder=tmp_path / "died", progress=stop_after(50))
    train(Regression(learning_rate=0.1), settings, folder=tmp_path / "died")
    assert outcome(tmp_path / "died") == outcome(tmp_path)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["32", "bf16-mixed", "16-mixed"])
def test_a_gpu_learns_and_goes_on(tmp_path, precision):
    settings = replace(SETTINGS, steps=200, accelerator="cuda", precision=precision)
    with pytest.raises(Stop):
        train(Regression(learning_rate=0.1, noise=0.01), settings, folder=tmp_path, progress=stop_after(50))
    result = train(Regression(learning_rate=0.1, noise=0.01), settings, folder=tmp_path)
    weights = read_weights(result.weights["line"]).tensors
    assert result.resumed_from == 45
    assert float(weights["0.bias"]) == pytest.approx(BIAS, abs=0.1)
    whole = train(Regression(learning_rate=0.1, noise=0.01), settings, folder=tmp_path / "whole")
    assert result.scores["mse"] == pytest.approx(whole.scores["mse"], rel=1e-3)
    gan = TrainingSettings(steps=30, batch_size=64, accelerator="cuda", precision=precision, clip_norm=1.0)
    assert train(Gan(), gan, folder=tmp_path / "gan").steps == 30


def test_worker_processes_load_the_same_batches(tmp_path):
    settings = replace(SETTINGS, steps=12, checkpoint_every=5)
    alone, helped = (Regression(noise=0.1, validation=None, train=ShiftingPoints(64, 1)) for _ in range(2))
    train(alone, settings, folder=tmp_path / "alone")
    with pytest.raises(Stop):
        train(helped, replace(settings, workers=1), folder=tmp_path / "helped", progress=stop_after(7))
    train(helped, replace(settings, workers=1), folder=tmp_path / "helped")
    assert outcome(tmp_path / "helped") == outcome(tmp_path / "alone")
    assert not helped.train.loaded


def test_a_part_left_in_evaluation_mode_stays_there(tmp_path):
    modes: list[bool] = []

    class Frozen(Regression):
        def networks(self):
            networks = super().networks()
            networks["line"][1].eval()
            return networks

        def step(self, networks, batch, context):
            modes.append(networks["line"][1].training)
            assert networks["line"][0].training
            yield from super().step(networks, batch, context)

    train(Frozen(), replace(SETTINGS, validate_every=5, average_decay=None), folder=tmp_path)
    assert modes == [False] * 37


# --- what goes wrong


def test_a_loss_that_is_not_finite_names_step_component_and_items(tmp_path):
    recipe = Regression(train=Points(64, 1, broken=13))
    recipe.item_name = lambda index: f"point-{index}"
    with pytest.raises(NonFiniteLoss) as caught:
        train(recipe, replace(SETTINGS, checkpoint_every=1), folder=tmp_path)
    error = caught.value
    assert "point-13" in error.items
    assert len(error.items) == 16
    assert (error.component, error.value) == ("line/mse", "inf")
    assert f"step {error.step}" in str(error)
    newest = max((tmp_path / "checkpoints").iterdir(), default=None)
    assert (newest is None) == (error.step == 1)
    if newest is not None:
        assert newest.name == f"step_{error.step - 1:08}.safetensors"


def test_no_checkpoint_holds_weights_that_are_not_finite(tmp_path):
    class Exploding(Regression):
        def step(self, networks, batch, context):
            yield from super().step(networks, batch, context)
            if context.step == 17:
                with torch.no_grad():
                    networks["line"][0].weight.fill_(torch.nan)

    with pytest.raises(NonFiniteLoss) as caught:
        train(Exploding(), SETTINGS, folder=tmp_path)
    assert caught.value.component == "the weight line/0.weight"
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000009.safetensors"]


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path, whole):
    with pytest.raises(Stop):
        train(noisy(), SETTINGS, folder=tmp_path, progress=stop_after(22))
    newest = tmp_path / "checkpoints" / "step_00000018.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    events: list[object] = []
    result = train(noisy(), SETTINGS, folder=tmp_path, progress=events.append)
    assert isinstance(events[0], CheckpointRefused)
    assert events[0].path == newest
    assert result.resumed_from == 9
    assert outcome(tmp_path) == outcome(whole)


def test_nothing_starts_anew_where_all_checkpoints_are_damaged(tmp_path):
    with pytest.raises(Stop):
        train(Regression(), SETTINGS, folder=tmp_path, progress=stop_after(10))
    only = tmp_path / "checkpoints" / "step_00000009.safetensors"
    content = bytearray(only.read_bytes())
    content[-3] ^= 0x40  # one bit of a weight
    only.write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match="checksum") as caught:
        train(Regression(), SETTINGS, folder=tmp_path)
    assert caught.value.path == str(only)
    assert only.read_bytes() == content


def test_a_checkpoint_of_another_recipe_is_refused_and_both_are_named(tmp_path):
    train(Regression(), SETTINGS, folder=tmp_path)
    before = outcome(tmp_path)
    with pytest.raises(CheckpointMismatch, match=r"(?s)regression v1 .* tiny-gan v1") as caught:
        train(Gan(), SETTINGS, folder=tmp_path)
    assert caught.value.differences[0] == ("name", "regression", "tiny-gan")
    with pytest.raises(CheckpointMismatch) as caught:
        train(Regression(learning_rate=0.1), SETTINGS, folder=tmp_path)
    assert caught.value.differences == (("learning_rate", 0.05, 0.1),)
    with pytest.raises(
        CheckpointMismatch, match=r"by regression v1 \(\w+\) with other settings or data; train into"
    ) as caught:
        train(Regression(), replace(SETTINGS, seed=4, steps=50), folder=tmp_path)
    assert caught.value.differences == (("seed", 3, 4), ("steps", 37, 50))
    assert outcome(tmp_path) == before


def test_other_data_are_refused(tmp_path):
    with pytest.raises(Stop):
        train(Regression(), SETTINGS, folder=tmp_path, progress=stop_after(10))
    with pytest.raises(CheckpointMismatch, match=r"(?s)with other settings or data.*training items: 64 there, 65 now"):
        train(Regression(train=Points(65, 1)), SETTINGS, folder=tmp_path)


def test_networks_that_changed_without_saying_so_are_refused(tmp_path):
    with pytest.raises(Stop):
        train(Regression(), SETTINGS, folder=tmp_path, progress=stop_after(10))
    with pytest.raises(InvalidCheckpoint, match="does not fit the recipe"):
        train(Regression(normalised=True), SETTINGS, folder=tmp_path)


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    with hold_lock(tmp_path / ".repost" / "lock", out=tmp_path), pytest.raises(OutputBusy):
        train(Regression(), SETTINGS, folder=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": Points(15, 1)}, "15 training items, expected at least one batch of 16"),
        ({"selects_by": "psnr_db"}, "the scores .*, expected 'psnr_db' among them"),
    ],
)
def test_a_recipe_that_breaks_the_contract_is_named(tmp_path, change, message):
    with pytest.raises(InvalidRecipe, match=message):
        train(Regression(**change), SETTINGS, folder=tmp_path)


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([], "a step without a turn"),
        ([("nobody", 1)], "a turn of the optimiser 'nobody', expected one of"),
        ([("line", 0)], "losses of line that depend on no weight"),
        ([("line", None)], r"the loss line/l1 of shape \(1, 3\), expected a scalar"),
    ],
)
def test_turns_that_make_no_sense_are_named(tmp_path, turns, message):
    class Odd(Regression):
        def step(self, networks, batch, context):
            weight = networks["line"][0].weight
            for optimiser, kind in turns:
                loss = weight if kind is None else (weight.sum() if kind else weight.sum().detach())
                yield Turn(optimiser, {"l1": loss})

    with pytest.raises(InvalidRecipe, match=message):
        train(Odd(), SETTINGS, folder=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps=0, expected 1 or more"),
        ({"batch_size": 5, "devices": 2}, "batch_size=5, expected a multiple of devices=2"),
        ({"schedule": "linear"}, "schedule='linear', expected one of"),
        ({"average_decay": 1.0}, "average_decay=1.0, expected a number above 0 and below 1"),
        ({"clip_norm": math.nan}, "clip_norm=nan"),
        ({"warmup_steps": 38}, "warmup_steps=38, expected 0 to steps=37"),
        ({"precision": "64"}, "precision='64'"),
        ({"workers": -1}, "workers=-1"),
    ],
)
def test_settings_that_make_no_sense_are_named(change, message):
    with pytest.raises(UsageError, match=message):
        replace(SETTINGS, **change)


def test_devices_that_are_not_there_are_named(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UsageError, match="0 GPUs"):
        train(Regression(), replace(SETTINGS, accelerator="cuda"), folder=tmp_path)
    with pytest.raises(UsageError, match="precision='16-mixed' on a CPU"):
        train(Regression(), replace(SETTINGS, precision="16-mixed"), folder=tmp_path)


def test_a_device_is_one_that_this_machine_has(monkeypatch):
    monkeypatch.setattr(device, "_gpu_count", lambda: 2)
    asked = ("auto", "cpu", "cuda", "cuda:0", "cuda:1")
    assert [chosen_device(one) for one in asked] == ["cuda", "cpu", "cuda", "cuda:0", "cuda:1"]
    with pytest.raises(UsageError, match="expected auto, cpu, cuda, or a GPU from cuda:0 to cuda:1"):
        chosen_device("cuda:2")
    with pytest.raises(UsageError, match="got the device 'cuda:01'"):  # PyTorch knows no such words
        chosen_device("cuda:01")
    monkeypatch.setattr(device, "_gpu_count", lambda: 0)
    assert chosen_device("auto") == "cpu"
    for one in ("cuda", "cuda:0", "cuda:-1", "gpu", "mps", "CPU", "cpu:0", ""):
        with pytest.raises(UsageError, match=f"got the device '{one}', expected auto or cpu; PyTorch finds no GPU"):
            chosen_device(one)


def loaded(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_missing_package_is_named_and_fabric_is_not_loaded_before_a_training():
    code = "import sys; sys.modules['{}'] = None\nimport repost.training"
    for package in ("torch", "safetensors"):
        assert f"needs the package {package}, which is not installed: pip install 'repost[torch]'" in loaded(
            code.format(package)
        )
    assert "False" in loaded("import sys, repost.training; print('lightning_fabric' in sys.modules)")


def test_convention_the_learning_rate_rises_then_falls_to_nothing():
    settings = replace(SETTINGS, steps=10, warmup_steps=3, schedule="cosine")
    factors = [learning_rate_factor(settings, step) for step in range(10)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors[4:] == pytest.approx([(1 + math.cos(math.pi * k / 7)) / 2 for k in range(1, 7)])
    assert learning_rate_factor(replace(settings, schedule="constant"), 9) == 1.0


def test_convention_an_epoch_shows_every_item_at_most_once_and_leaves_out_less_than_a_batch():
    order = Order(70, batch_size=16, seed=0)
    first, second = ([index for batch in order.epoch(epoch) for index in batch] for epoch in (0, 1))
    assert len(set(first)) == len(first) == 64
    assert first != second
    assert first == [index for batch in Order(70, batch_size=16, seed=0).epoch(0) for index in batch]


def test_a_full_disk_is_named_and_the_earlier_checkpoint_stays(tmp_path, monkeypatch):
    from repost.training import checkpoint

    write = checkpoint.write_tensors

    def full(path, tensors, facts):
        if "18" in path.name:
            raise OSError(28, "No space left on device")
        write(path, tensors, facts)

    monkeypatch.setattr(checkpoint, "write_tensors", full)
    with pytest.raises(OutputUnwritable, match=r"No space left on device.*goes on from there"):
        train(Regression(), SETTINGS, folder=tmp_path)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_00000009.safetensors"]
    monkeypatch.undo()
    assert train(Regression(), SETTINGS, folder=tmp_path).resumed_from == 9
