"""Features of text: TF-IDF of words and of pieces of words for linear models, counts for trees."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from smelt.app.pipeline import parse
from smelt.app.pipeline.graph import GraphBuilder
from smelt.app.table.schema import Column

N_COUNTS = 5  # characters, words, digits, upper-case letters, punctuation
MOST_WORDS = 30_000
MOST_PIECES = 40_000
PIECE_CHARACTERS = 4_000_000  # beyond so much text, pieces of words cost more than they bring


def counts(builder: GraphBuilder, column: Column) -> tuple[str, int]:
    """Add the counts of a text and return the block and its width."""
    node = builder.add("text_counts", [parse.raw(column)], name=f"{column.name}.counts")
    return node, N_COUNTS


def terms(builder: GraphBuilder, column: Column, texts: pl.Series) -> list[tuple[str, int]]:
    """Add TF-IDF blocks with the vocabulary and weights of ``texts``; return them and widths."""
    known = [text or "" for text in texts]
    kinds: list[dict[str, Any]] = [
        {"analyzer": "word", "ngram_range": (1, 2), "max_features": MOST_WORDS}
    ]
    if sum(map(len, known)) <= PIECE_CHARACTERS:
        kinds.append({"analyzer": "char_wb", "ngram_range": (2, 5), "max_features": MOST_PIECES})
    blocks = []
    for kind in kinds:
        fitted = _fit(known, kind)
        if fitted is None:
            continue
        vocabulary, idf = fitted
        node = builder.add(
            "tf_idf",
            [parse.raw(column)],
            name=f"{column.name}.{kind['analyzer']}",
            lowercase=True,
            analyzer=kind["analyzer"],
            ngram_range=list(kind["ngram_range"]),
            sublinear=True,
            tensors={"idf": idf},
            strings={"vocabulary": vocabulary},
        )
        blocks.append((node, len(vocabulary)))
    return blocks


def _fit(texts: Iterable[str], kind: dict[str, Any]) -> tuple[list[str], np.ndarray] | None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(min_df=2, sublinear_tf=True, **kind)
    try:
        vectorizer.fit(texts)
    except ValueError:  # no term occurs twice
        return None
    return vectorizer.get_feature_names_out().tolist(), np.asarray(vectorizer.idf_, np.float64)
