"""Item sets of 100,000 baskets against pyfim, mlxtend, and the twin on a part."""

import gzip
import os
from pathlib import Path

from harness import Peer, Workload


def data(share):
    """The synthetic baskets of IBM's generator, from the folder that SMELT_DATA names."""
    path = Path(os.environ["SMELT_DATA"]) / "t10i4d100k/t10i4d100k.basket.gz"
    with gzip.open(path, "rt") as lines:
        return {
            "transactions": [[int(i) for i in line.split(",")] for line in lines],
            "share": share,
        }


def smelt(data):
    from smelt.association import eclat

    return eclat(data["transactions"], data["share"])


def plain(data):
    import smelt
    from smelt.association import eclat

    with smelt.config(engine="plain"):
        return eclat(data["transactions"][:10_000], data["share"])


def pyfim(name):
    def run(data):
        import fim

        count = round(data["share"] * len(data["transactions"]))
        return getattr(fim, name)(data["transactions"], supp=-count, zmin=1, report="a")

    return run


def prepare_mlxtend(data):
    import pandas as pd
    from mlxtend.preprocessing import TransactionEncoder

    encoder = TransactionEncoder()
    table = encoder.fit(data["transactions"]).transform(data["transactions"])
    return pd.DataFrame(table, columns=encoder.columns_), data["share"]


def mlxtend(state):
    from mlxtend.frequent_patterns import fpgrowth

    return fpgrowth(state[0], min_support=state[1])


def workload(name, share):
    return Workload(
        f"itemsets-t10i4d100k-{name}",
        data=lambda: data(share),
        quality={"sets": lambda found, data: float(len(found))},
        peers={
            "plain": plain,
            "smelt": smelt,
            "pyfim eclat": pyfim("eclat"),
            "pyfim fpgrowth": pyfim("fpgrowth"),
            "mlxtend fpgrowth": Peer(setup=prepare_mlxtend, run=mlxtend),
        },
        note="lists of Python integers; plain: 10,000 transactions; mlxtend: one-hot beforehand",
    )


WORKLOADS = [workload("0.5pct", 0.005), workload("0.1pct", 0.001)]
