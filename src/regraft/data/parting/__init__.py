"""Takes some of the rows of a data set: a share of the labels, or a domain."""
