"""What a source, transform, anonymizer, model, metric and baseline are: small abstract classes, a file each."""
