"""Pictures of layers: what is drawn is what was measured."""

import numpy as np
import pytest

from jslayer.io import style
from jslayer.utils import plot_event_rates, plot_gradient_flow, series

RATES = {"blocks_0": 0.1, "blocks_1": np.float32(0.25)}


def test_rates_are_bars_from_input_to_output(tmp_path):
    figure = plot_event_rates(RATES)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.1, 0.25])
    assert [label.get_text() for label in axes.get_yticklabels()] == list(RATES)
    assert axes.yaxis_inverted()
    figure.savefig(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 1000


def test_gradients_have_a_logarithmic_axis_and_zero_is_no_mistake(tmp_path):
    figure = plot_gradient_flow({"blocks_0": {"weight": 1e-6}, "blocks_1": {"weight": 0.0}})
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    figure.savefig(tmp_path / "flow.png")
    assert plot_gradient_flow({"a": 0.0}).axes[0].get_xscale() == "linear"


def test_a_history_is_a_curve_for_each_layer():
    history = series([{"a": 0.1, "b": 1.0}, {"a": 0.2}])
    axes = style.new_figure(3, 2).add_subplot()
    figure = plot_event_rates(history, axes=axes)
    assert figure is axes.figure
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.1, 0.2])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [1.0, np.nan])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert plot_gradient_flow(history).axes[0].get_yscale() == "log"


@pytest.mark.parametrize("values", [{}, {"a": [1.0], "b": 2.0}, {"a": [[1.0]]}])
def test_what_is_no_number_of_each_layer_is_refused(values):
    with pytest.raises(ValueError, match=r"`values` has shapes .*, expected one number"):
        plot_event_rates(values)
