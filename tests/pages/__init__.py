"""Pictures of the main pages for docs/PAGES.md: a bookshop's year, the real HTTP process, a real Chromium."""
