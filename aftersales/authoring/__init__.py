"""For whoever writes a chart: the skeleton of a process, the check of its parts, and the documents made from it."""
