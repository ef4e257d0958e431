"""Pure functions on pixels and samples that say how good they are: noise, geometry, flatness, clipping."""
