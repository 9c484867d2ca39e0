"""Analysis of charts without running a case: reachability, invariants, rule book and diagram."""
