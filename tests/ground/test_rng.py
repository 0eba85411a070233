"""Pcg64 draws what NumPy's Generator draws, bit for bit, and leaves it in the same state."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smelt import _smelt
from smelt.errors import InvalidParameterError

ground = _smelt.ground
seeds = st.integers(0, 2**64)
sizes = st.integers(0, 60)


def same(seed, ours, theirs, warm_up=0):
    """Both draw the same numbers, from a generator that may hold half of 64 bits back."""
    rng = np.random.default_rng(seed)
    rng.random(warm_up, dtype=np.float32)
    state = copy.deepcopy(rng.bit_generator.state)
    found, state_after = ours(state)
    expected = theirs(rng)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.asarray(expected).dtype
    after = rng.bit_generator.state
    if not after["has_uint32"]:
        after = {**after, "uinteger": 0}  # a stale half, which NumPy leaves lying about
    assert state_after == after


@given(seeds, sizes, st.integers(0, 3))
def test_random(seed, size, warm_up):
    same(seed, lambda s: ground.rng_random(s, size), lambda r: r.random(size), warm_up)
    same(
        seed,
        lambda s: ground.rng_random_f32(s, size),
        lambda r: r.random(size, dtype=np.float32),
        warm_up,
    )


@given(seeds, st.floats(-1e9, 1e9), st.floats(0, 1e9), sizes)
def test_uniform(seed, low, width, size):
    high = low + width
    same(
        seed,
        lambda s: ground.rng_uniform(s, low, high, size),
        lambda r: r.uniform(low, high, size),
    )


BORDERS = [0, 1, 2, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1, 2**64 - 2, 2**64 - 1]


@given(
    seeds,
    st.integers(-(2**63), 2**63 - 2),
    st.sampled_from(BORDERS) | st.integers(0, 2**64 - 1),
    sizes,
    st.integers(0, 3),
)
@settings(max_examples=300)
def test_integers(seed, low, most, size, warm_up):
    high = min(low + most + 1, 2**63 - 1)
    if high <= low:
        high = low + 1
    same(
        seed,
        lambda s: ground.rng_integers(s, low, high, size),
        lambda r: r.integers(low, high, size),
        warm_up,
    )


@given(seeds, st.integers(0, 300), st.integers(0, 3))
def test_permutation_and_shuffle(seed, n, warm_up):
    same(seed, lambda s: ground.rng_permutation(s, n), lambda r: r.permutation(n), warm_up)

    def shuffled(rng):
        items = np.arange(n)
        rng.shuffle(items)
        return items

    same(seed, lambda s: ground.rng_permutation(s, n), shuffled, warm_up)


@given(seeds, st.integers(1, 300), st.data())
def test_choice(seed, n, data):
    size = data.draw(st.integers(0, n))
    for replace in (False, True):
        same(
            seed,
            lambda s: ground.rng_choice(s, n, size, replace),
            lambda r: r.choice(n, size, replace=replace),
        )


@pytest.mark.parametrize("n", [9_999, 10_000, 10_001, 50_000])
@pytest.mark.parametrize("share", [0.001, 0.0199, 0.02, 0.0201, 0.5, 1.0])
def test_choice_among_many(n, share):
    size = int(n * share)
    same(
        7,
        lambda s: ground.rng_choice(s, n, size, False),
        lambda r: r.choice(n, size, replace=False),
    )


@given(seeds, st.lists(st.floats(0, 1), min_size=1, max_size=30), sizes)
def test_weighted_choice(seed, weights, size):
    weights = np.array(weights) + 1e-3
    p = weights / weights.sum()
    same(
        seed,
        lambda s: ground.rng_choice_weighted(s, p.tolist(), size),
        lambda r: r.choice(len(p), size, p=p),
    )


@given(seeds, st.integers(0, 2**128 - 1))
def test_advance(seed, steps):
    generator = np.random.PCG64(seed)
    state = generator.state
    generator.advance(steps)
    assert ground.rng_advance(state, steps)["state"] == generator.state["state"]


def test_every_way_to_hand_over_a_generator():
    rng = np.random.default_rng(3)
    state = rng.bit_generator.state
    pair = (state["state"]["state"], state["state"]["inc"])
    draws = [ground.rng_random(way, 5)[0] for way in (rng, rng.bit_generator, state, pair)]
    for draw in draws:
        np.testing.assert_array_equal(draw, draws[0])
    np.testing.assert_array_equal(draws[0], rng.random(5))


@pytest.mark.parametrize("way", [np.random.Generator(np.random.MT19937(0)), 7, None, {}, "PCG64"])
def test_other_generators_are_refused(way):
    with pytest.raises(InvalidParameterError, match="PCG64"):
        ground.rng_random(way, 1)
