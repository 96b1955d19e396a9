"""The venues: one pure file each, and the sockets in one place."""
