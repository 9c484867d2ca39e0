"""The memory that a program has taken at most."""

PEAK = "int(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1]) // 1024"
"""An expression in MB: the ``ru_maxrss`` of a program includes that of whoever started it."""
