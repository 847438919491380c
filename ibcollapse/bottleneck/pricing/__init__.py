"""The pricing problem of column generation: the decoder r of largest Φ(r), and a bound of it."""
