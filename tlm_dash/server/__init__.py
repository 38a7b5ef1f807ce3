"""The web server around the pages: start and stop of the dashboard, security headers. May import services and
starlette; never streamlit. Tested over a real server."""
