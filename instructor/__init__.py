"""Problem sets, their answers, and the grader."""
