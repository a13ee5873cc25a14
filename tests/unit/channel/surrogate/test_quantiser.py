import pytest
import torch

from repost.channel.surrogate.quantiser import slope

VALUES = torch.tensor([-1.3, -0.5, -0.4, 0.0, 0.2, 0.5, 1.0, 2.25, 7.5], dtype=torch.float64)


def slopes(gradient):
    return slope(VALUES, VALUES.round(), gradient=gradient)


def test_identity_is_one():
    assert torch.equal(slopes("identity"), torch.ones_like(VALUES))


def test_cubic_is_the_derivative_of_the_cubic():
    """Oracle: autograd of rounded + (value - rounded)^3."""
    values = VALUES.clone().requires_grad_()
    rounded = VALUES.round()
    (rounded + (values - rounded) ** 3).sum().backward()
    assert values.grad is not None
    torch.testing.assert_close(slopes("cubic"), values.grad)


def test_zero_bin_is_cubic_where_zero_and_identity_elsewhere():
    zero = VALUES.round() == 0
    assert torch.equal(slopes("zero_bin")[zero], slopes("cubic")[zero])
    assert (slopes("zero_bin")[~zero] == 1).all()


@pytest.mark.parametrize("gradient", ["identity", "cubic", "zero_bin"])
def test_keeps_shape_and_type(gradient):
    values = torch.rand(2, 3, 4) * 5
    found = slope(values, values.round(), gradient=gradient)
    assert (found.shape, found.dtype) == (values.shape, values.dtype)
