"""The steps of each kind of write: create, update, patch, delete, deletecollection. The shared state of one is `write.Write`."""
