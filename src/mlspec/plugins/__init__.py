"""What each kind of plug-in is: small abstract classes, a file each."""
