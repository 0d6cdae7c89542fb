"""Row groups of the Budgets table, one file each with `ROWS`: a function that returns table lines."""
