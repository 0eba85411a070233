"""Rules between the parts of item sets, and what they are judged by."""

from itertools import combinations, pairwise

import numpy as np

MEASURES = (
    "antecedent_support",
    "consequent_support",
    "support",
    "confidence",
    "lift",
    "representativity",
    "leverage",
    "conviction",
    "zhangs_metric",
    "jaccard",
    "certainty",
    "kulczynski",
)


def association_rules_fit(
    indptr, items, support, *, metric, min_threshold, support_only, max_rules
):
    # 1. a table from sets to supports
    sets = [tuple(sorted(items[a:b].tolist())) for a, b in pairwise(indptr)]
    known = dict(zip(sets, support.tolist(), strict=True))
    rules, missing = [], None
    for whole in sets:
        # 2. every way to split a set, the longest antecedents first
        for size in range(len(whole) - 1, 0, -1):
            for antecedent in combinations(whole, size):
                consequent = tuple(item for item in whole if item not in antecedent)
                if not support_only and (antecedent not in known or consequent not in known):
                    missing = missing or list(consequent if antecedent in known else antecedent)
                    continue
                # 3. measures
                a, c = (np.nan, np.nan) if support_only else (known[antecedent], known[consequent])
                values = measures(a, c, known[whole], support_only)
                if values[MEASURES.index(metric)] >= min_threshold:
                    rules.append((antecedent, consequent, values))
    out = {"measures": np.array([v for _, _, values in rules for v in values])}
    for side, name in enumerate(("antecedent", "consequent")):
        parts = [rule[side] for rule in rules]
        out[f"{name}_indptr"] = np.cumsum([0] + [len(part) for part in parts])
        out[f"{name}_items"] = np.array([item for part in parts for item in part], dtype=np.int32)
    return out | {"missing": missing}


def measures(a, c, both, support_only):
    if support_only:
        return [both if name == "support" else np.nan for name in MEASURES]
    confidence, leverage = both / a, both - a * c
    largest = max(both * (1 - a), a * (c - both))
    return [
        a,
        c,
        both,
        confidence,
        confidence / c,
        1.0,
        leverage,
        (1 - c) / (1 - confidence) if confidence < 1 else np.inf,
        leverage / largest if largest else 0.0,
        both / (a + c - both),
        (confidence - c) / (1 - c) if c < 1 else 0.0,
        (both / a + both / c) / 2,
    ]
