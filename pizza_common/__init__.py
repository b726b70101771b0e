"""What the services share: the app factory, models, events, Dapr access, settings, logging."""
