"""Plots show every value that they are given, or none are drawn."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import board_table  # noqa: E402
import svg  # noqa: E402


class Plots(unittest.TestCase):
    def test_every_part_of_a_token_has_its_bar(self):
        values = list(range(1000, 1000 + len(board_table.PARTS)))
        drawn = svg.stacked("title", [("row", values)], board_table.PARTS)
        for name, value in zip(board_table.PARTS, values):
            self.assertIn(f"{name}: {value:,} cycles", drawn)
        self.assertIn(f"{sum(values):,}", drawn)

    def test_more_parts_than_colours_are_refused(self):
        names = [f"part {i}" for i in range(len(svg.COLOURS) + 1)]
        with self.assertRaisesRegex(ValueError, names[-1]):
            svg.stacked("title", [("row", [1] * len(names))], names)

    def test_a_value_without_a_name_is_refused(self):
        with self.assertRaisesRegex(ValueError, "2 values for 1 parts"):
            svg.stacked("title", [("row", [1, 2])], ["one"])

    def test_the_plots_of_the_documents_are_those_of_the_measured_figures(self):
        self.assertIn("classifier: ", (board_table.ROOT / "docs/plots/parts.svg").read_text())
