"""Every problem in the sources: budgets of lessons, quoted numbers, links."""
