"""The commands that ask the localdapr of a data folder, over its control socket."""
