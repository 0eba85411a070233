//! Linear models: predictions are weighted sums of the features.
