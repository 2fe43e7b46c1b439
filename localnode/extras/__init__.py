"""What Sesam has and no pipe of this project uses. Nothing here is imported before something asks for it."""
