"""Twins of association."""

from smelt.plain.association.apriori import apriori_fit
from smelt.plain.association.association_rules import association_rules_fit
from smelt.plain.association.eclat import eclat_fit
from smelt.plain.association.transactions import make_itemsets, read_transactions

__all__ = [
    "apriori_fit",
    "association_rules_fit",
    "eclat_fit",
    "make_itemsets",
    "read_transactions",
]
