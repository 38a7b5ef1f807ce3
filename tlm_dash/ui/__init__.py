"""What pages are made of: parts, typed URL parameters, the error guard. The only package that may import
streamlit. Tested through AppTest and in a real browser."""
