"""Makes tables, plots and one HTML file from the document of a run."""
