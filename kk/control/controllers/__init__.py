"""One file a controller, each with `CONTROLLER`; files that begin with `_` hold what some of them share."""
