"""One function for each thing a person does; called by pages, routes and commands alike.

May import batch, endpoint, store and the embedded endpoint's supervisor; never streamlit. Tested over real
files and servers.
"""
