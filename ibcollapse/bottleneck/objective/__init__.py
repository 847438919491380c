"""The free energy F of a mixture and its two derivatives; log Φ; stability of atoms."""
