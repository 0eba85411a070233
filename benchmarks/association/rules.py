"""Rules of tens of thousands of item sets against mlxtend and the twin."""

from association.itemsets import data
from harness import Workload


def sets():
    from smelt.association import eclat

    found = data(0.001)
    return {"sets": eclat(found["transactions"], found["share"])}


def smelt(data):
    from smelt.association import association_rules

    return association_rules(data["sets"], min_threshold=0.5)


def plain(data):
    import smelt as library

    with library.config(engine="plain"):
        return smelt(data)


def mlxtend(data):
    from mlxtend.frequent_patterns import association_rules

    return association_rules(data["sets"], min_threshold=0.5)


WORKLOADS = [
    Workload(
        "rules-t10i4d100k-0.1pct",
        data=sets,
        quality={"rules": lambda rules, data: float(len(rules))},
        peers={"plain": plain, "smelt": smelt, "mlxtend": mlxtend},
    )
]
