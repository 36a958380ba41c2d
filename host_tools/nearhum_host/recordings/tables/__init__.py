"""Tables of samples to typed columns, and what each column is: time, label, sample."""
