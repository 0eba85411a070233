"""What is to be reached: how many times as fast as the fastest other library on the same work."""

from __future__ import annotations

from typing import Any

#: Workload, and for each of smelt's ways its goal.
GOALS: dict[str, dict[str, float]] = {
    "boosting-3e5x28-255-leaves": {"smelt": 1.5, "smelt quantized": 1.5},
    "boosting-1e6x28-255-leaves": {"smelt": 1.5, "smelt quantized": 1.5},
    "boosting-10.5e6x28-255-leaves": {"smelt": 1.3, "smelt quantized": 1.3},
    "boosting-10-classes-1e5x50": {"smelt": 1.5, "smelt quantized": 1.5},
    "boosting-2e4x20": {"smelt": 1.5, "smelt quantized": 1.5},
    "boosting-symmetric-3e5x28": {"smelt": 1.2},
    "boosting-20-categories-5e5": {"smelt": 1.5},
    "boosting-flights-late": {"smelt": 1.5},
    "boosting-predict-1e6x28": {"smelt": 4},
    "boosting-predict-symmetric-1e6x28": {"smelt": 1},
    "tree-1e5x50": {"smelt": 3, "smelt max_bins=255": 15},
    "forest-1e5x50": {"smelt": 6},
    "extra-trees-1e5x50": {"smelt": 6},
    "forest-predict-1e6x28": {"smelt": 3},
    "isolation-forest-5e5x20": {"smelt": 8},
    "tree-shap-1e4x28": {"smelt": 2},
    "itemsets-t10i4d100k-0.5pct": {"smelt": 2},
    "itemsets-t10i4d100k-0.1pct": {"smelt": 2},
    "gaussian-nb-1e6x50": {"smelt": 15},
    "multinomial-nb-sparse-1e5x5e4-2-classes": {"smelt": 5},
    "multinomial-nb-sparse-1e5x5e4-20-classes": {"smelt": 5},
    "neighbors-1e6x3": {"smelt": 3},
    "neighbors-1e6x3-all": {"smelt": 3},
    "neighbors-1e5x20": {"smelt": 1.7},
    "neighbors-5e4x128": {"smelt": 1.3},
    "hnsw-build-5e4x128": {"smelt": 1},
    "hnsw-query-5e4x128": {"smelt": 1},
    "hnsw-build-5e5x64": {"smelt": 1},
    "hnsw-query-5e5x64": {"smelt": 1},
    "local-outlier-factor-1e5x5": {"smelt": 2},
    "k-means-1e6x20-k100-float32": {"smelt": 3},
    "k-means-1e6x20-k100-float64": {"smelt": 3},
    "k-means-1e5x100-k1000-float32": {"smelt": 1.5},
    "k-means-pp-1e6x20-k100": {"smelt": 5},
    "mini-batch-k-means-1e6x20-k100": {"smelt": 10},
    "agglomerative-ward-1e4x10": {"smelt": 4},
    "agglomerative-ward-2e4x10": {"smelt": 4},
    "dbscan-1e6x3": {"smelt": 15},
    "dbscan-1e5x10": {"smelt": 8},
    "hdbscan-5e4x5": {"smelt": 2.5},
    "hdbscan-5e4x10": {"smelt": 2.5},
    "silhouette-1e5x20": {"smelt": 5},
    "gaussian-mixture-5e5x20": {"smelt": 10},
    "pca-1e6x50": {"smelt": 3},
    "pca-2e4x2000": {"smelt": 2.5},
    "truncated-svd-1e5x5e4": {"smelt": 8},
    "nmf-1e4x1000": {"smelt": 3},
    "fast-ica-2e5x30": {"smelt": 6},
    "tsne-1e4x50": {"smelt": 6},
    "umap-5e4x50": {"smelt": 4},
}


def goal_rows(workloads: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines of the table of goals, for what was measured beside another library."""
    lines = []
    for name, goals in GOALS.items():
        medians = {
            row["peer"]: row["median"]
            for row in workloads.get(name, {}).get("rows", [])
            if row["median"] is not None
        }
        others = {peer: time for peer, time in medians.items() if not peer.startswith("smelt")}
        others.pop("plain", None)
        if not others:
            continue
        fastest = min(others, key=lambda peer: others[peer])
        for peer, goal in goals.items():
            if peer not in medians:
                continue
            ratio = others[fastest] / medians[peer]
            reached = "reached" if ratio >= goal else "**missed**"
            lines.append(f"| {name} | {peer} | {fastest} | {ratio:.2f} | {goal:g} | {reached} |")
    return lines
