"""What is read from compiled code, on a program of few lines."""

import pytest

from tools.gpu_compile import program, targets

PROGRAM = """
%fused (p: f32[8,4]) -> f32[4,8] {
  %p = f32[8,4]{1,0} parameter(0)
  ROOT %turned = f32[4,8]{1,0} transpose(%p), dimensions={1,0}
}

%body (state: (s32[], f32[8,4])) -> (s32[], f32[8,4]) {
  %row = f32[8,4]{1,0} fusion(%state), kind=kLoop, calls=%LOOPED
  ROOT %next = (s32[], f32[8,4]{1,0}) tuple(%row)
}

%product (p: f32[8,4]) -> f32[8,8] {
  ROOT %dot = f32[8,8]{1,0} dot(%p, %p), lhs_contracting_dims={1}, rhs_contracting_dims={1}
}

ENTRY %main (x: f32[8,4]) -> f32[4,8] {
  %x = f32[8,4]{1,0} parameter(0)
  %loop = (s32[], f32[8,4]{1,0}) while(%x), condition=%to, body=%body, COUNT
  %sum = f32[4]{0} all-reduce(%x), to_apply=%add
  %turns = f32[4,8]{1,0} fusion(%x), kind=kLoop, calls=%fused
  ROOT %copy = f32[8,4]{0,1} copy(%x)
}
"""
COUNT = 'backend_config={"known_trip_count":{"n":"16"}}'


@pytest.mark.parametrize("inside,product", [("fused", False), ("product", True)])
def test_a_loop_over_time_needs_a_product(inside, product):
    text = PROGRAM.replace("LOOPED", inside).replace("COUNT", COUNT)
    assert program.loops(text) == [(product, 16)]
    assert program.launches(text) == (2, [1])
    assert program.asked(text) == {"all-reduce": 1}
    found = program.faults(text, steps=16, activation=32)
    assert found == [] if product else ["a loop of 16 steps without a product"]
    assert program.faults(text, steps=9, activation=32) == []


def test_whole_activations_that_are_turned_and_what_is_gathered_are_faults():
    text = PROGRAM.replace("LOOPED", "fused").replace("COUNT", COUNT)
    assert len(program.turned(text, 32)) == 2
    assert program.turned(text, 33) == []
    text += text.split("ENTRY")[0].replace("%fused", "%again")
    text = text.replace("all-reduce(", "all-gather(")
    gathered, turned = program.faults(text, steps=1, activation=32)
    assert gathered == "1 all-gather"
    assert turned.startswith("3 transposes of whole activations")


def test_registers_decide_how_much_runs_at_once():
    share = lambda registers: targets.Assembled("kernel", registers, 0, 128).occupancy
    assert share(32) == 1.0
    assert share(56) == 0.5625
    assert share(255) == 0.125
