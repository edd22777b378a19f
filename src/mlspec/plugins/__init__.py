"""What a source, transform, anonymizer, model, metric, baseline and constraint are: small abstract classes, a file each."""
