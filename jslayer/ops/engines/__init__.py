"""Ways to run a `Dynamics` through time; all of them run the same step and adjoint."""
