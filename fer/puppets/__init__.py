"""Puppets: a neutral photograph, rendered again with any expression, as exact (expression, neutral) pairs.

facekit, photos, assets   the face model, the templated photographs, and the file that holds both fitted together
geometry, fit             a face model fitted to the points of a photograph
expression, wrinkles      Action Units to blendshapes, random expressions, the creases that they draw
raster, rig, render       a posed mesh to a picture: photo texture, shading, eyes, mouth
sitter, layers, eyes      what is derived once from each photograph
people, nuisance, sample  virtual people, light and degradation, ``draw``
stream, parquet, sheet    endless pairs for training, dataset files, contact sheets
smile_residual            the shading that real smiles add

Only training needs this package and requirements-train.txt; the page imports none of it. "Left" is the subject's left.
Pictures are BGR inside the package, as OpenCV has them, and RGB in what ``sample`` gives out. See docs/puppets.md.
"""
