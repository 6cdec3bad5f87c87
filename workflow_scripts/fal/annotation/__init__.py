"""What people label: tasks that show them images, and the answers that they give."""
