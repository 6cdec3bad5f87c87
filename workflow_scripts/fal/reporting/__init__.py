"""What people look at: tables, statistics, figures, the page."""
