//! Trees: bins, histograms, splitter, grower, boosting.
