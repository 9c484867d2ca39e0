"""What can be said of a chart without running a case: reachability, invariants, rule book and diagram."""
