"""Starting and stopping the processes that the platform is made of."""
