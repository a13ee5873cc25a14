import pytest
import torch

from repost.channel.surrogate.straight_through import straight_through
from repost.core.errors import UsageError


def test_values_are_the_real_ones_to_the_bit():
    """Adding the difference would round."""
    torch.manual_seed(0)
    surrogate, real = torch.rand(1000) * 1e4, torch.rand(1000)
    assert not torch.equal(surrogate + (real - surrogate), real)
    assert torch.equal(straight_through(surrogate, real), real)


def test_gradient_is_the_surrogates():
    source = torch.rand(2, 3, 4, 4, requires_grad=True)
    real = torch.rand(2, 3, 4, 4, requires_grad=True)
    weights = torch.rand(2, 3, 4, 4)
    (straight_through(3 * source, real) * weights).sum().backward()
    assert source.grad is not None
    torch.testing.assert_close(source.grad, 3 * weights)
    assert real.grad is None


def test_changing_the_result_leaves_the_real_values_alone():
    real = torch.zeros(3)
    straight_through(torch.ones(3), real).add_(1)
    assert torch.equal(real, torch.zeros(3))


@pytest.mark.parametrize("real", [torch.zeros(4), torch.zeros(3, dtype=torch.float64)])
def test_unequal_tensors_are_refused(real):
    with pytest.raises(UsageError, match=r"expected \(3,\) torch.float32 on cpu"):
        straight_through(torch.zeros(3), real)
