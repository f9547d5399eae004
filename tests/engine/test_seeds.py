"""Seeds: one for each purpose, and torch's own generators as torch seeds them."""

import hashlib

import pytest
import torch

from harness.engine.seeds import derive, numpy_generator, seed_torch, torch_generator


def test_a_seed_is_the_hash_of_what_it_is_for() -> None:
    assert derive(7, "augment", 3) == int(hashlib.sha256(b"7/augment/3").hexdigest()[:16], 16) // 2
    assert derive(7, "augment", 3) != derive(7, "augment", 4) != derive(8, "augment", 4)


def test_generators_of_one_purpose_draw_alike_and_leave_torchs_own_alone() -> None:
    before = torch.get_rng_state()
    first, second = (torch.rand(3, generator=torch_generator(1, "frames")) for _ in range(2))
    assert torch.equal(first, second)
    assert numpy_generator(1, "frames").random() == numpy_generator(1, "frames").random()
    assert torch.equal(before, torch.get_rng_state())


def test_torchs_own_generator_is_as_torch_seeds_it() -> None:
    seed = derive(0, "step", 12)
    torch.manual_seed(seed)
    expected = torch.get_rng_state()
    torch.manual_seed(1)
    seed_torch(seed, "cpu")
    assert torch.equal(torch.get_rng_state(), expected)


@pytest.mark.gpu
def test_those_of_a_gpu_are_too() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    torch.manual_seed(5)
    expected = torch.rand(3, device="cuda")
    seed_torch(5, "cuda:0")
    assert torch.equal(torch.rand(3, device="cuda"), expected)
