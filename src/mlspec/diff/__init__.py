"""Two specs -> what the change from one to the other means: changes, their classes, their impact."""
