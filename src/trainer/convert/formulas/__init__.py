"""Formulas in TeX: MathML for screens, pictures for paper, and their own source wherever neither would be right."""

from trainer.convert.formulas.document import Formulas
from trainer.convert.formulas.tex import Untypeset
from trainer.convert.formulas.tree import formula_tree

__all__ = ["Formulas", "Untypeset", "formula_tree"]
