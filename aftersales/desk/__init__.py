"""The desk: the page on which the clerks of a shop work their cases."""
