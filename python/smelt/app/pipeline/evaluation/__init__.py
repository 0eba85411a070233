"""How good it is: metrics, intervals, curves, importance of the columns."""
