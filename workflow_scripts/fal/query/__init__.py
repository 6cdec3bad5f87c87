"""What is labeled next: query strategies and what they are made of."""
