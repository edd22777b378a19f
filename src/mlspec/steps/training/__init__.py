"""What steps do to fit models: training, tuning, refitting, personalization."""
