"""The evaluation portal: run models on declared benchmarks, keep raw predictions, score them, print the table.

``python -m eval list | run | score | table``. See docs/adding-a-benchmark.md.
"""
