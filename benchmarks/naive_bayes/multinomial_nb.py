"""MultinomialNB against its twin and scikit-learn on sparse text of two and of twenty classes."""

from naive_bayes._text import workload

WORKLOADS = [
    workload("multinomial-nb", "MultinomialNB", n_classes=n_classes) for n_classes in (2, 20)
]
