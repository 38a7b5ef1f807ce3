-- An empty answer is not complete, so that it is found without the texts: by a step in Python, which changes rows.

COMMENT ON COLUMN completion.is_complete IS 'False where the stream was cut or stopped before its end, the answer ended at a limit or in a filter, or is empty';
