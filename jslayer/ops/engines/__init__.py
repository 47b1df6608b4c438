"""Ways to run a `Dynamics` through time; all of them run the same step and adjoint.

What runs is a `passes.Pass`; an engine is a function ``(pass, fixed, carry, inputs)``. On a GPU,
one kernel serves every dynamics: `body` is its text, `mosaic` and `triton` are the backends it is
lowered by, `kernel` fits arrays to it, `partition` gives each device its own neurons and `select`
decides who runs where.
"""
