"""Files of other programs on their way in: what they are, what is in them, what their columns mean.

May import only errors, models, responses and settings (and pyarrow, openpyxl, charset-normalizer). It never
reads a whole table into memory and knows no SQL: what DuckDB can read stays where it is, everything else is
laid out beside it as Parquet. Tested on files made by the tests, awkward ones above all.
"""
