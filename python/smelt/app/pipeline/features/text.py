"""Features of text: TF-IDF of words and of pieces of words for linear models, counts for trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from smelt import _smelt
from smelt.app.pipeline.features import parse
from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.table.columns import to_columns
from smelt.app.table.schema import Column

N_COUNTS = 5  # characters, words, digits, upper-case letters, punctuation
MOST_WORDS = 30_000
MOST_PIECES = 40_000
FEWEST_ROWS = 2  # a term of one row says nothing of others
PIECE_BYTES = 4_000_000  # beyond so much text, pieces of words cost more than they bring


def counts(builder: GraphBuilder, column: Column) -> tuple[str, int]:
    """Add the counts of a text and return the block and its width."""
    node = builder.add("text_counts", [parse.raw(column)], name=f"{column.name}.counts")
    return node, N_COUNTS


def terms(builder: GraphBuilder, column: Column, texts: pl.Series) -> list[tuple[str, int]]:
    """Add TF-IDF blocks with the vocabulary and weights of ``texts``; return them and widths."""
    (raw,) = to_columns(texts.to_frame())
    kinds = [("word", (1, 2), MOST_WORDS)]
    if len(raw[2]) <= PIECE_BYTES:
        kinds.append(("char_wb", (2, 5), MOST_PIECES))
    blocks = []
    for analyzer, ngram_range, most in kinds:
        cut: dict[str, Any] = {
            "lowercase": True,
            "analyzer": analyzer,
            "ngram_range": list(ngram_range),
        }
        found, rows = _smelt.model.count_terms(raw, **cut)
        kept = np.lexsort((np.arange(len(rows)), -rows))[:most]
        kept = np.sort(kept[rows[kept] >= FEWEST_ROWS])
        if not len(kept):
            continue
        idf = np.log((1.0 + len(texts)) / (1.0 + rows[kept])) + 1.0
        node = builder.add(
            "tf_idf",
            [parse.raw(column)],
            name=f"{column.name}.{analyzer}",
            sublinear=True,
            tensors={"idf": idf},
            strings={"vocabulary": [found[i] for i in kept]},
            **cut,
        )
        blocks.append((node, len(kept)))
    return blocks
