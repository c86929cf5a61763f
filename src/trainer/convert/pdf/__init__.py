"""PDF by WeasyPrint, in warm processes of its own that can be killed."""

from trainer.convert.pdf.pictures import as_png
from trainer.convert.pdf.pool import PdfPool, missing_libraries

__all__ = ["PdfPool", "as_png", "missing_libraries"]
