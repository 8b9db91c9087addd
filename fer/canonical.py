"""Where things lie in the canonical square and in a tight crop: numbers that need no torch."""

from __future__ import annotations

# Where MTCNN's five points lie in the canonical unit square (x right, y down).
CANONICAL_POINTS = ((0.348, 0.392), (0.655, 0.392), (0.501, 0.550), (0.378, 0.721), (0.625, 0.722))
# The part of the canonical square (x0, y0, side) that FER2013's crops show: the mean MTCNN points of FER2013 faces
# fall on the canonical points there.
TIGHT_WINDOW = (0.073, 0.065, 0.8425)
