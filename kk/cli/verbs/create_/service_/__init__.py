"""The types of services that `kk create service` makes; one file each."""
