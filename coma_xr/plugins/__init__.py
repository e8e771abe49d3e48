"""The doors through which xarray finds this package: the engine and the accessor ``coma``."""
