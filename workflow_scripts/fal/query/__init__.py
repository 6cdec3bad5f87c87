"""What is asked next: query strategies and what they are made of."""
