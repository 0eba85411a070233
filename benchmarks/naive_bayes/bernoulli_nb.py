"""BernoulliNB against its twin and scikit-learn on sparse text."""

from naive_bayes._text import workload

WORKLOADS = [workload("bernoulli-nb", "BernoulliNB")]
