"""Words and numbers that pages, records, commands and charts share, so that they read alike everywhere."""
