"""Which columns a node looks at, drawn as scikit-learn draws them."""

from __future__ import annotations

LARGEST = 2**31 - 1


class Xorshift:
    """Marsaglia's 32-bit xorshift, of which 31 bits are used."""

    def __init__(self, seed: int):
        self.state = int(seed)

    def next(self) -> int:
        """Return 31 random bits."""
        x = self.state or 1
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self.state = x
        return x & LARGEST

    def integer(self, low: int, high: int) -> int:
        """Return an integer of low, …, high - 1."""
        return low + self.next() % (high - low)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between low and high."""
        return (high - low) * self.next() / LARGEST + low


class Drawing:
    """A shuffle without replacement that passes over columns known to be constant.

    Places from left to right: drawn constant, known constant, found constant, not drawn yet, drawn
    and of use.
    """

    def __init__(self, n_features: int, max_features: int):
        self.features = list(range(n_features))
        self.constants = [0] * n_features
        self.max_features = max_features

    def columns(self, n_known: int, look, random: Xorshift) -> int:  # type: ignore[no-untyped-def]
        """Call ``look`` on column after column; it says whether one is constant in the node.

        Returns the number of columns that are constant in the node and below it.
        """
        features, end = self.features, len(self.features)
        n_drawn = n_found = n_visited = 0
        while end > n_known + n_found and (
            n_visited < self.max_features or n_visited <= n_found + n_drawn
        ):
            n_visited += 1
            place = random.integer(n_drawn, end - n_found)
            if place < n_known:
                features[n_drawn], features[place] = features[place], features[n_drawn]
                n_drawn += 1
                continue
            place += n_found
            if look(features[place]):
                other = n_known + n_found
                n_found += 1
            else:
                end -= 1
                other = end
            features[place], features[other] = features[other], features[place]
        features[:n_known] = self.constants[:n_known]
        self.constants[n_known : n_known + n_found] = features[n_known : n_known + n_found]
        return n_known + n_found
