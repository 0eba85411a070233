//! Mathematics: linear algebra on faer or an injected BLAS, statistics.
