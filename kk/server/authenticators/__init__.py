"""Ways to prove who one is, one file each; kk.server.authn asks them in their order."""
