"""Arrays in netCDF files of their own, beside the measurement whose tree refers to them."""
