"""Everything that touches the disk: data set folders and run folders."""
