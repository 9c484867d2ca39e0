"""The charts of the processes, and the vocabulary that they are written in.  No Temporal, no I/O, no clock."""
