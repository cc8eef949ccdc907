"""Grade a folder of notebooks: the child computes, the parent judges.

A submission runs in a process of its own that knows the questions and no answer; this side asks it
for values and compares. See the README of the folder above, and ``python -m instructor.grader -h``.
"""
